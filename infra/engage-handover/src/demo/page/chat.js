// The customer's chat.

import { $, about, clock, composer, doing, h, followEnd, ordinal, post, reconcile, setText, toEnd, toast } from "./dom.js";

const CHIPS = {
  bot: ["Where is my order?", "When are you open?", "I want to talk to a human"],
  active: ["My order number is 4711.", "Thank you! 🙏"],
};
let view = null;
let conversation = "";
let read = new Set();
let typing = { sent: 0, timer: 0 };

export function reset(id) {
  conversation = id;
  view = null;
  read = new Set();
  $("chat-lines").replaceChildren();
}

/** How many lines others wrote. */
export const count = () => view?.lines.filter((line) => line.from !== "customer").length ?? 0;

export function show(next) {
  const grew = next.lines.length !== view?.lines.length;
  const own = grew && next.lines.at(-1)?.from === "customer";
  view = next;
  setText($("customer-name"), view.customer);
  const scroller = $("chat-lines");
  reconcile(scroller, view.lines, (line) => line.id, make, update);
  handler();
  waiting();
  $("chat-typing").hidden = !view.typing;
  setText($("chat-typing-who"), view.typing ? `${view.agent ?? view.bot} is writing…` : "");
  chips();
  toEnd(scroller, own);
  markRead();
}

function handler() {
  const pill = $("handler");
  const [kind, text] = {
    bot: ["bot", `${view.bot} (bot) answers`],
    requested: ["waiting", "Asking for an agent"],
    queued: ["waiting", "Waiting for an agent"],
    active: ["agent", `${view.agent ?? "An agent"} answers`],
  }[view.phase];
  pill.dataset.handler = kind;
  setText(pill, text);
}

function waiting() {
  const shown = view.phase === "requested" || view.phase === "queued";
  $("waiting").hidden = !shown;
  const { position, estimated_wait_ms: wait } = view.queue ?? {};
  setText($("waiting-place"), Number.isInteger(position) ? `${ordinal(position)} in line` : "Looking for an agent…");
  setText($("waiting-time"), typeof wait === "number" ? about(wait) : "");
}

function make(line) {
  if (line.from === "notice") return h("p", { className: "notice", dir: "auto", data: { testid: "chat-notice" } }, line.text);
  const own = line.from === "customer";
  return h(
    "div",
    { className: own ? "line own" : "line", data: { from: line.from, testid: `chat-${line.from}` } },
    h("span", { className: "who" }, h("b", { dir: "auto" }, own ? "You" : (line.name ?? "Agent")), clock(line.at)),
    h("div", { className: "body", dir: "auto" }, line.text),
    ...attachments(line),
  );
}

function attachments(line) {
  if (!Array.isArray(line.attachments)) return [];
  return line.attachments
    .filter((file) => /^https?:/.test(file?.url ?? ""))
    .map((file) =>
      h("a", { className: "attachment", href: file.url, target: "_blank", rel: "noopener noreferrer" }, file.filename ?? file.url),
    );
}

function update(element, line) {
  if (line.from !== "customer") return;
  element.dataset.state = line.state;
  const trouble = element.querySelector(".trouble");
  if (line.state !== "failed") return trouble?.remove();
  if (trouble) return;
  const again = h("button", { type: "button", onclick: () => send(line.text, line.id) }, "Try again");
  element.append(h("span", { className: "trouble" }, "Not delivered.", again));
}

function chips() {
  const texts = CHIPS[view.phase] ?? [];
  const asked = view.lines.some((line) => line.from === "customer");
  const next = view.phase === "bot" ? texts[asked ? 2 : 0] : null;
  reconcile($("chips"), texts, (text) => text, (text) =>
    h("button", { type: "button", className: "chip", onclick: () => send(text), data: { testid: "chip" } }, text),
    (chip, text) => chip.classList.toggle("next", text === next));
}

async function send(text, id = crypto.randomUUID()) {
  stopTyping();
  try {
    await post(`/chat/${conversation}/messages`, { id, text });
  } catch (error) {
    toast(error.message);
  }
}

// The agent sees what the customer is writing.
function startTyping() {
  clearTimeout(typing.timer);
  typing.timer = setTimeout(stopTyping, 4000);
  if (view?.phase !== "active" || Date.now() - typing.sent < 2100) return;
  typing.sent = Date.now();
  const preview = $("chat-input").value;
  post(`/chat/${conversation}/typing`, { state: "start", preview }).catch(() => {});
}

function stopTyping() {
  clearTimeout(typing.timer);
  if (!typing.sent) return;
  typing.sent = 0;
  post(`/chat/${conversation}/typing`, { state: "stop" }).catch(() => {});
}

/** What can be seen was read. */
export function markRead() {
  if (!view || document.hidden || !$("pane-chat").checkVisibility()) return;
  for (const line of view.lines) {
    if (line.from !== "agent" || read.has(line.id)) continue;
    read.add(line.id);
    post(`/chat/${conversation}/read`, { message_id: line.id }).catch(() => {});
  }
}

followEnd($("chat-lines"));
document.addEventListener("visibilitychange", markRead);
composer($("chat-form"), $("chat-input"), (text) => send(text));
$("chat-input").addEventListener("input", startTyping);
$("cancel").addEventListener("click", () => doing($("cancel"), () => post(`/chat/${conversation}/leave`)));
