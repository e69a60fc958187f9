// Tells a first-time visitor what to do next.

import { $, h, reconcile, setText } from "./dom.js";

const STEPS = ["Ask the bot", "Ask for a human", "Take it at the desk", "Reply", "Close"];
const HINTS = [
  "You are the customer. Ask the bot something, or press a suggestion.",
  "The bot knows little. Press “I want to talk to a human”.",
  "The customer waits in the queue. Be the agent now: press “Take” at the desk.",
  "The bot is silent from here on. Write a reply at the desk and watch it arrive.",
  "Write back and forth, defer or transfer. When you are done, press “Close” at the desk.",
  "The bot has the conversation again. Every step of the way is in the bridge's timeline.",
];

/** The number of steps done. */
function progress(view) {
  const after = view.lines.findLastIndex((line) => line.from === "notice" && / closed /.test(line.text));
  if (view.phase === "active") {
    const joined = view.lines.findLastIndex((line) => line.from === "notice");
    return view.lines.slice(joined + 1).some((line) => line.from === "agent") ? 4 : 3;
  }
  if (view.phase !== "bot") return 2;
  if (after >= 0) return 5;
  return view.lines.some((line) => line.from === "customer") ? 1 : 0;
}

export function show(view) {
  const done = progress(view);
  reconcile($("steps"), STEPS, (step) => step, (step) => h("li", {}, step), (element, step) => {
    const index = STEPS.indexOf(step);
    element.dataset.state = index < done ? "done" : index === done ? "now" : "later";
    element.ariaCurrent = index === done ? "step" : null;
  });
  setText($("hint"), HINTS[done]);
}

export function offline() {
  setText($("hint"), "The demo does not answer. Is it still running? This page tries again by itself.");
}
