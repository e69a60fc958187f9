// A chat bot that brings in human agents through the bridge. docs/bots/javascript.md says how to run it.
import { createServer } from "node:http";
import { Webhook, WebhookVerificationError } from "standardwebhooks";

const { BRIDGE_URL, BOT_KEY, SIGNING_SECRET, PORT } = process.env;
if (!BRIDGE_URL || !BOT_KEY || !SIGNING_SECRET || !PORT) throw "set BRIDGE_URL, BOT_KEY, SIGNING_SECRET and PORT";
const [webhook, BACK] = [new Webhook(SIGNING_SECRET), "You are back with the bot."];
const NOTICES = {
  "handover.completed": BACK, "handover.cancelled": BACK, "handover.timed_out": `Nobody had time. ${BACK}`,
  "handover.failed": `Nobody can be reached. ${BACK}`, "message.failed": "That did not arrive. Say it again?",
};
const chats = new Map();
const at = (id) => chats.get(id) ?? chats.set(id, { id, lines: new Map(), newest: 0, turn: Promise.resolve() }).get(id);

function show(chat, id, from, text, name = null) { // what has the same id is shown once
  if (!chat.lines.has(id)) chat.lines.set(id, { from, name, text });
}

async function call(method, chat, what, key, body) {
  const url = `${BRIDGE_URL}/conversations/${encodeURIComponent(chat.id)}/${what}`;
  const headers = { authorization: `Bearer ${BOT_KEY}`, "idempotency-key": key };
  const request = { method, headers, body: JSON.stringify(body) };
  for (const wait of [250, 1000, 3000, 0]) { // every attempt has the same key and body: the bridge acts once
    const answer = await fetch(url, { ...request, signal: AbortSignal.timeout(10_000) }).catch((error) => error);
    if (answer.ok) return answer.json();
    const again = !answer.status || answer.status === 429 || answer.status >= 500; // no answer has no status
    if (!again || !wait) throw new Error(`${method} ${what} was not taken: ${await (answer.text?.() ?? answer)}`);
    await new Promise((rested) => setTimeout(rested, wait));
  }
}

async function say(chat, id, text) { // agents read the bot's words, too
  await call("POST", chat, "messages", id, { id, from: "bot", text });
  show(chat, id, "bot", text);
}

async function hear(chat, id, text, user) {
  show(chat, id, "user", text);
  const { handler } = await call("POST", chat, "messages", id, { id, from: "user", text, user });
  if (handler === "agent") { // the bot stays silent, unless it is wanted back
    if (/^\s*bot\s*$/i.test(text)) await call("DELETE", chat, "handover", `${id}-cancel`, { cause: "user_cancelled" });
  } else if (!text.toLowerCase().includes("agent")) {
    await say(chat, `${id}-answer`, "I am a small bot. Say agent, and a human will help.");
  } else {
    await say(chat, `${id}-asking`, "I am asking a colleague to join. They see what we wrote.");
    const why = { reason: "asked for a human", summary: `Last words: ${text}`, user };
    const { status, reason } = (await call("POST", chat, "handover", `${id}-handover`, why)).handover;
    if (status === "unavailable") await say(chat, `${id}-sorry`, `Sorry, nobody is there now (${reason}).`);
  }
}

function apply(chat, id, kind, { seq, agent, message, position }) {
  const news = { ...NOTICES, "handover.active": `${agent?.name ?? "A colleague"} is here.`,
    "handover.queued": `Your place in the queue: ${position ?? "not known yet"}.` }[kind];
  if (kind === "message.created") { // also when it comes late, because an operator sent it again
    const text = [message.text, ...message.attachments.map((file) => file.url)].join("\n").trim();
    show(chat, id, "agent", text, message.agent.name);
  } else if (news && seq > chat.newest) show(chat, id, "notice", news); // what is not newer is a repeat, or over
  chat.newest = Math.max(chat.newest, seq);
}

async function answer({ method, url, headers }, raw) {
  if (method === "GET") return [...at(decodeURIComponent(url.replace("/chat/", ""))).lines.values()];
  const body = url === "/events" ? webhook.verify(raw, headers) : JSON.parse(raw);
  const chat = at(body.conversation ?? body.data.conversation);
  if (url === "/events") return apply(chat, headers["webhook-id"], body.type, body.data);
  const turn = () => hear(chat, body.id ?? crypto.randomUUID(), body.text, body.user);
  return (chat.turn = chat.turn.then(turn, turn)); // the bridge keeps the order in which it is told
}

createServer(async (request, response) => {
  try {
    const body = await answer(request, Buffer.concat(await request.toArray()));
    response.end(JSON.stringify(body ?? "ok"));
  } catch (error) { // refused for good, or the bridge, or the chat, tries again
    const refused = error instanceof WebhookVerificationError || error instanceof SyntaxError;
    response.writeHead(refused ? 400 : 503).end(refused ? "not JSON, or not signed just now" : String(error));
  }
}).listen(PORT, "127.0.0.1");
