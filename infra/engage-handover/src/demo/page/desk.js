// The agents' desk of the simulated RingCentral Engage Digital.

import { $, attachments, clock, composer, doing, followEnd, h, millis, ordinal, post, reconcile, setText, toEnd, toast } from "./dom.js";

let agents = [];
let threads = [];
let me = null;
let openId = null;
let mine = "";
let focusReply = false;
let offered = null;
let channel = null;
let state = {};
/** What was open in the other tab. */
const kept = new Map();

const agentName = (id) => agents.find((agent) => agent.id === id)?.name ?? "another agent";
const opened = () => threads.find((thread) => thread.id === openId);
export const waiting = () => threads.filter((thread) => thread.place === "queue").length;

/** A new conversation of the visitor: its entry is marked. */
export function reset(conversation, next) {
  if (next !== channel) {
    kept.set(channel, { openId, offered });
    ({ openId, offered } = kept.get(next) ?? { openId: null, offered: null });
    channel = next;
    $("desk-lines").replaceChildren();
    $("arrive").hidden = !channel.isOurs;
  }
  mine = channel.isOurs ? conversation : "";
  show(state);
}

/** The visitor's conversation has a name now. */
export function belongs(conversation) {
  if (!conversation || conversation === mine) return;
  mine = conversation;
  show(state);
}

export function show(next) {
  state = next;
  agents = state.agents ?? [];
  if (!agents.some((agent) => agent.id === me)) me = agents[0]?.id ?? null;
  const queue = new Map((state.queue ?? []).map((card) => [card.thread_id, card]));
  const typing = new Map((state.typing ?? []).map((card) => [card.thread_id, card.preview]));
  const isHere = (card) => (card.source_id === state.source_id) === channel.isOurs;
  threads = (state.threads ?? []).filter(isHere).map((card) => ({
    id: card.thread_id,
    name: card.customer_name ?? "A customer",
    isMine: Boolean(mine) && (card.thread_id === mine || String(card.foreign_id).includes(mine)),
    place: place(card, queue),
    agent: card.agent_id,
    position: queue.get(card.thread_id)?.position,
    since: Date.now() - (queue.get(card.thread_id)?.waiting_ms ?? 0),
    canReopen: card.can_reopen,
    replies: card.replies ?? 0,
    context: card.context_data ?? {},
    lines: card.contents ?? [],
    notes: card.comments ?? [],
    typing: typing.get(card.thread_id),
  }));
  offer();
  render();
}

/** On a wide screen the visitor's own conversation opens by itself when it reaches the queue. */
function offer() {
  const own = threads.find((item) => item.isMine && item.place === "queue");
  if (!own || offered === own.id || opened() || !matchMedia("(min-width: 901px)").matches) return;
  offered = own.id;
  openId = own.id;
}

function place(card, queue) {
  if (queue.has(card.thread_id)) return "queue";
  if (card.deferred) return "deferred";
  if (String(card.task_queue).startsWith("workbin")) return "agent";
  if (card.intervention_id) return "agent";
  return "bot";
}

function render() {
  people();
  groups();
  thread();
}

function people() {
  options($("agent"), agents.map((agent) => [agent.id, agent.name]), me);
  const self = agents.find((agent) => agent.id === me);
  if (self && document.activeElement !== $("availability")) $("availability").value = self.status;
}

function options(select, pairs, value) {
  reconcile(select, pairs, ([id]) => id, ([id, name]) => h("option", { value: id }, name));
  if (value !== undefined && select.value !== value) select.value = value;
}

function groups() {
  const isHere = (entry) => entry.agent === me;
  const all = [
    ["queue", "Queue", threads.filter((entry) => entry.place === "queue").sort((a, b) => a.position - b.position)],
    ["own", "With you", threads.filter((entry) => entry.place === "agent" && isHere(entry))],
    ["deferred", "Deferred", threads.filter((entry) => entry.place === "deferred")],
    ["others", "With colleagues", threads.filter((entry) => entry.place === "agent" && !isHere(entry))],
    ["bot", "With the bot", threads.filter((entry) => entry.place === "bot")],
  ].filter(([key, , list]) => key === "queue" || list.length > 0);
  $("desk-groups").hidden = threads.length === 0;
  $("desk-empty").hidden = threads.length > 0;
  reconcile($("desk-groups"), all, ([key]) => key, ([key, title]) =>
    h("section", { className: "group", data: { testid: `desk-group-${key}` } },
      h("h3", {}, h("span", {}, title), h("span", {})), h("div", {})),
  (element, [, , list]) => {
    setText(element.firstChild.lastChild, String(list.length));
    reconcile(element.lastChild, list, (item) => item.id, entry, updateEntry);
  });
}

function entry({ id }) {
  const main = h("button", { type: "button", className: "entry-main", onclick: () => open(id) },
    h("bdi", { className: "entry-name" }), h("span", { className: "entry-last" }));
  const take = h("button", { type: "button", className: "button small primary agent", data: { testid: "entry-take" } }, "Take");
  take.addEventListener("click", () => takeIt(id, take));
  return h("div", { className: "entry", data: { testid: "desk-entry" } }, main, take);
}

function updateEntry(element, item) {
  const [main, take] = element.children;
  element.classList.toggle("open", item.id === openId);
  element.dataset.mine = String(item.isMine);
  main.ariaCurrent = String(item.id === openId);
  setText(main.firstChild, item.name);
  take.hidden = item.place !== "queue";
  take.ariaLabel = `Take ${item.name}`;
  setText(main.lastChild, subtitle(item));
}

function subtitle(item) {
  if (item.place === "queue") return `${ordinal(item.position)} · waits ${roughly(Date.now() - item.since)}`;
  if (item.place === "agent" && item.agent !== me) return agentName(item.agent);
  return item.lines.at(-1)?.body ?? "";
}

const roughly = (ms) => (ms < 60_000 ? `${Math.floor(ms / 1000)} s` : millis(ms));
setInterval(() => threads.some((item) => item.place === "queue") && groups(), 1000);

function open(id) {
  openId = id;
  focusReply = false;
  $("desk-lines").replaceChildren();
  render();
  toEnd($("desk-lines"), true);
}

function thread() {
  const item = opened();
  $("thread").hidden = !item;
  $("thread-empty").hidden = Boolean(item);
  document.querySelector(".desk").dataset.open = String(Boolean(item));
  if (!item) return;
  const own = item.place === "agent" && item.agent === me;
  setText($("thread-name"), item.name);
  setText($("thread-state"), describe(item));
  $("take").hidden = item.place !== "queue" && !(item.place === "bot" && item.canReopen);
  setText($("take"), item.place === "queue" ? "Take" : "Reopen");
  $("reactivate").hidden = item.place !== "deferred";
  for (const id of ["defer", "transfer", "close"]) $(id).hidden = !own;
  const others = agents.filter((agent) => agent.id !== me).map((agent) => [agent.id, agent.name]);
  options($("transfer"), [["", "Transfer to…"], ...others]);
  $("desk-form").hidden = !own;
  if (own && focusReply) {
    // The desk shows the reply box with the state that follows the taking.
    focusReply = false;
    $("desk-input").focus();
  }
  context(item);
  $("notes").hidden = item.notes.length === 0;
  reconcile($("notes"), item.notes.map((note, index) => ({ ...note, index })), (note) => `${item.id}-${note.index}`, (note) =>
    h("li", { dir: "auto", data: { testid: "desk-note" } }, note.body));
  const scroller = $("desk-lines");
  reconcile(scroller, item.lines, (line) => line.id, make, update);
  $("desk-typing").hidden = item.typing === undefined || !own;
  setText($("desk-preview"), item.typing ? `Writing: ${item.typing}` : "The customer is writing…");
  toEnd(scroller);
}

function describe(item) {
  switch (item.place) {
    case "queue": return `Waiting, ${ordinal(item.position)} in the queue`;
    case "deferred": return `Put aside by ${agentName(item.agent)}`;
    case "agent": return item.agent === me ? "You have this conversation" : `${agentName(item.agent)} has this conversation`;
    default: return "With the bot. A real desk would not list it.";
  }
}

function context(item) {
  const pairs = Object.entries(item.context);
  $("context").hidden = pairs.length === 0;
  reconcile($("context-list"), pairs.flatMap(([key, value]) => [["dt", key, key.replaceAll("-", " ")], ["dd", key, value]]),
    ([tag, key]) => `${tag}-${key}`, ([tag]) => h(tag, { dir: "auto" }),
    (element, [, , value]) => setText(element, Array.isArray(value) ? value.join(", ") : String(value)));
}

function make(line) {
  const own = line.author_kind === "agent";
  return h("div", { className: own ? "line own" : "line", data: { from: line.author_kind, testid: `desk-${line.author_kind}` } },
    h("span", { className: "who" }, h("b", { dir: "auto" }, line.author_name ?? line.author_kind), clock(line.created_at)),
    line.body || !line.attachments?.length ? h("div", { className: "body", dir: "auto" }, line.body ?? "(no text)") : null,
    ...attachments(line),
    choices(line));
}

/** What the customer could choose from. */
function choices({ structured_content: shown }) {
  if (!Array.isArray(shown?.items)) return null;
  return h("div", { className: "choices" }, ...shown.items.map((item) => h("span", { className: "choice" }, item.title ?? "")));
}

function update(element, line) {
  if (line.author_kind !== "agent") return;
  let mark = element.querySelector(".mark");
  if (!mark) element.append((mark = h("span", { className: "mark" })));
  const [state, text] = {
    export_pending: ["sending", "On its way…"],
    export_failure: ["failed", `Not delivered: ${line.synchronization_error ?? "no reason given"}`],
  }[line.synchronization_status] ?? ["sent", line.read ? "✓✓ Read" : "✓ Delivered"];
  element.dataset.state = state;
  setText(mark, text);
}

const act = (button, action, body = {}) =>
  doing(button, () => post(`/desk/threads/${encodeURIComponent(openId)}/${action}`, body));

async function takeIt(id, button) {
  const again = threads.find((item) => item.id === id)?.place === "bot";
  open(id);
  if ((await act(button, again ? "reopen" : "take", { agent_id: me })) !== undefined) {
    focusReply = true;
    render();
  }
}

followEnd($("desk-lines"));
$("take").addEventListener("click", () => takeIt(openId, $("take")));
for (const action of ["defer", "reactivate", "close"]) {
  $(action).addEventListener("click", () => act($(action), action));
}
$("transfer").addEventListener("change", async () => {
  const to = $("transfer").value;
  if (!to) return;
  if ((await act($("transfer"), "transfer", { to_agent_id: to })) !== undefined) {
    toast(`${agentName(to)} has the conversation now. Choose “You are ${agentName(to)}” to go on.`, "info");
  }
  $("transfer").value = "";
});
$("agent").addEventListener("change", () => {
  me = $("agent").value;
  render();
});
$("availability").addEventListener("change", () =>
  doing($("availability"), () => post(`/desk/agents/${encodeURIComponent(me)}/availability`, { status: $("availability").value })));
$("back").addEventListener("click", () => {
  openId = null;
  render();
});
$("arrive").addEventListener("click", () => doing($("arrive"), () => post("/chat/arrivals")));
composer($("desk-form"), $("desk-input"), (body) => act(null, "reply", { agent_id: me, body }).then((done) => {
  if (done === undefined) $("desk-input").value = body;
}));
