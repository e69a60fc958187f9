// What differs between the two tabs: a chat of one's own, and a channel that RingCentral owns.

const isFrom = (...who) => (line) => who.includes(line.from);

export const CHANNELS = {
  own: {
    base: "/chat",
    live: "/live",
    key: "conversation",
    title: "The customer's chat",
    where: "on a shop's website",
    placeholder: "Write as the customer…",
    // The shop's chat window can show more than other people's: who types, who waits.
    isOurs: true,
    opens: "timeline",
    way: ["Send API, REST →", "← Source SDK, webhooks"],
    nothing: "Nothing yet. Each request of the bot and each signed event for it appears here.",
    chips: {
      bot: ["Where is my order?", "When are you open?", "I want to talk to a human"],
      active: ["My order number is 4711.", "Thank you! 🙏"],
    },
    nextChip: (asked) => (asked ? 2 : 0),
    steps: ["Ask the bot", "Ask for a human", "Take it at the desk", "Reply", "Close"],
    hints: [
      "You are the customer. Ask the bot something, or press a suggestion.",
      "The bot knows little. Press “I want to talk to a human”.",
      "The customer waits in the queue. Be the agent now: press “Take” at the desk.",
      "The bot is silent from here on. Write a reply at the desk and watch it arrive.",
      "Write back and forth, defer or transfer. When you are done, press “Close” at the desk.",
      "The bot has the conversation again. Every step of the way is in the bridge's timeline.",
    ],
    isOver: (view) => view.lines.some((line) => line.from === "notice" && / closed /.test(line.text)),
    isAnswered(view) {
      const joined = view.lines.findLastIndex(isFrom("notice"));
      return view.lines.slice(joined + 1).some(isFrom("agent"));
    },
  },
  native: {
    base: "/phone",
    live: "/live/phone",
    key: "phone",
    title: "The customer's phone",
    where: "writing to the shop's number",
    placeholder: "Message",
    isOurs: false,
    opens: "wire",
    way: ["REST →", "← webhooks"],
    nothing: "Nothing yet. The customer writes to RingCentral. What the bridge tells the bot (←) and what the bot answers (→) appears here.",
    chips: {
      bot: ["Hello!", "When are you open?", "I want a human", "Go to sleep"],
      active: ["My order number is 4711.", "Thank you!"],
    },
    nextChip: (asked, view) => (!asked ? 0 : view.handovers_over > 0 ? 3 : 2),
    steps: ["Write to the shop", "Ask for a human", "Take it at the desk", "Reply", "Close"],
    hints: [
      "You write to RingCentral here, not to the bot: the bridge hears of it and tells the bot. Press “Hello!”.",
      "The bot's answers go out through RingCentral. Press its buttons, send the photo, or ask for a human.",
      "Nobody hears the bot from here on: let it butt in and see. Then press “Take” at the desk.",
      "Write a reply at the desk: it reaches the phone without the bridge. With it comes the bot's note for you.",
      "Write back and forth: the bot hears nothing of it. When you are done, press “Close” at the desk.",
      "The bot has it again. Now press “Go to sleep”: a bot that does not answer strands nobody.",
    ],
    asleep: (seconds) => `The bot is silent. After ${seconds} seconds the agents have the conversation, with a note why.`,
    isOver: (view) => view.handovers_over > 0,
    isAnswered: (view) => view.lines.findLastIndex(isFrom("agent")) > view.lines.findLastIndex(isFrom("bot")),
  },
};
