// The customer's chat.

import { $, about, attachments, clock, composer, doing, h, followEnd, ordinal, post, reconcile, setText, toEnd, toast } from "./dom.js";

let view = null;
let conversation = "";
let channel = null;
let read = new Set();
let typing = { sent: 0, timer: 0 };

export function reset(id, next) {
  conversation = id;
  channel = next;
  view = null;
  setText($("chat-title"), channel.title);
  setText($("chat-where"), channel.where);
  $("chat-input").placeholder = channel.placeholder;
  $("picture").hidden = channel.isOurs;
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
    bot: view.asleep ? ["waiting", `${view.bot} (bot) is silent`] : ["bot", `${view.bot} (bot) answers`],
    requested: ["waiting", "Asking for an agent"],
    queued: ["waiting", "Waiting for an agent"],
    active: ["agent", `${view.agent ?? "An agent"} answers`],
  }[view.phase];
  pill.dataset.handler = kind;
  setText(pill, text);
}

function waiting() {
  const shown = channel.isOurs && (view.phase === "requested" || view.phase === "queued");
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
    h("span", { className: "who" }, h("b", { dir: "auto" }, own ? "You" : (line.name ?? "Agent")), voice(line), clock(line.at)),
    line.text ? h("div", { className: "body", dir: "auto" }, line.text) : null,
    ...attachments(line),
    choices(line),
  );
}

/** On a channel of RingCentral's own everybody speaks in the company's name; here one sees who it was. */
const voice = (line) => (channel.isOurs || line.from === "customer" ? null : h("span", { className: "voice" }, line.from));

/** Buttons: what is pressed goes back with its payload. */
function choices(line) {
  const items = line.structured?.items;
  if (!Array.isArray(items)) return null;
  return h("div", { className: "choices", role: "group", ariaLabel: "Answers to choose from" },
    ...items.map((item) =>
      h("button", { type: "button", className: "chip", data: { testid: "choice" },
        onclick: () => send(item.title, undefined, { payload: item.payload, in_reply_to: line.id }) }, item.title)));
}

function update(element, line) {
  element.dataset.state = line.state;
  if (line.from === "customer") trouble(element, line);
  else if (!channel.isOurs) delivery(element, line);
}

function trouble(element, line) {
  const shown = element.querySelector(".trouble");
  if (line.state !== "failed") return shown?.remove();
  if (shown) return;
  const again = h("button", { type: "button", onclick: () => send(line.text, line.id) }, "Try again");
  element.append(h("span", { className: "trouble" }, "Not delivered.", again));
}

/** What is not on the phone yet is marked as such. */
function delivery(element, line) {
  let mark = element.querySelector(".mark");
  if (!mark) element.append((mark = h("span", { className: "mark", data: { testid: "chat-mark" } })));
  setText(mark, {
    sending: "Not on the phone yet",
    failed: `Never arrived: ${line.trouble ?? "no reason given"}`,
  }[line.state] ?? "✓✓ On the phone");
}

function chips() {
  const texts = channel.chips[view.phase] ?? [];
  const asked = view.lines.some((line) => line.from === "customer");
  const next = view.phase === "bot" ? texts[channel.nextChip(asked, view)] : null;
  reconcile($("chips"), texts, (text) => text, (text) =>
    h("button", { type: "button", className: "chip", onclick: () => send(text), data: { testid: "chip" } }, text),
    (chip, text) => chip.classList.toggle("next", text === next));
}

async function send(text, id = crypto.randomUUID(), further = {}) {
  stopTyping();
  try {
    await post(`${channel.base}/${conversation}/messages`, { id, text, ...further });
  } catch (error) {
    toast(error.message);
  }
}

// The agent sees what the customer is writing.
function startTyping() {
  clearTimeout(typing.timer);
  typing.timer = setTimeout(stopTyping, 4000);
  if (!channel.isOurs || view?.phase !== "active" || Date.now() - typing.sent < 2100) return;
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
  if (!view || !channel.isOurs || document.hidden || !$("pane-chat").checkVisibility()) return;
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
$("picture").addEventListener("click", () =>
  doing($("picture"), () => post(`${channel.base}/${conversation}/messages`, { id: crypto.randomUUID(), picture: true })));
