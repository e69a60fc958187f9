"use strict";
// The operator page. It asks the operator API of its own connection, with the key that this tab was given, and shows
// the answers. Everything that comes from outside becomes text, never markup.

const EVERY = 5000; // between two looks, in milliseconds
const STALE = 15000; // older than this is said to be old
const CONNECTION = location.pathname.split("/")[1];
const BASE = `/${CONNECTION}/`;
const KEPT = `operator key of ${decodeURIComponent(CONNECTION)}`;

const $ = (id) => document.getElementById(id);
const state = { key: sessionStorage.getItem(KEPT), readAt: null, skew: 0, trouble: null, conversations: null, letters: null, status: null, shown: null };

class Refused extends Error {
  constructor(status, body) {
    super(body?.detail ?? body?.title ?? `the bridge answered ${status}`);
    this.status = status;
  }
}

const isLockedOut = (error) => error.status === 401 || error.status === 403;

/** Asks the API; the JSON of its answer. */
async function ask(path, method = "GET", patience = 10000) {
  const headers = { authorization: `Bearer ${state.key}` };
  const answer = await fetch(BASE + path, { method, headers, cache: "no-store", signal: AbortSignal.timeout(patience) });
  const at = Date.parse(answer.headers.get("date") ?? "");
  if (at) state.skew = at - Date.now();
  const body = await answer.json().catch(() => null);
  if (!answer.ok) throw new Refused(answer.status, body);
  return body;
}

// What turns the direction of writing around could make an id or a name read as another one.
const TURNS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const plain = (text) => text.replace(TURNS, (it) => `\\u${it.codePointAt(0).toString(16).padStart(4, "0")}`);

/** An element with text and children. */
function el(name, attributes = {}, ...children) {
  const it = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "on") it.addEventListener("click", value);
    else it.setAttribute(key, key.startsWith("data-") ? value : plain(String(value)));
  }
  it.append(...children.filter((child) => child !== null).map((child) => (typeof child === "string" ? plain(child) : child)));
  return it;
}

/** Replaces what an element shows, and keeps the focus on what has the same `data-focus`. */
function show(into, ...children) {
  const focus = into.contains(document.activeElement) ? document.activeElement.dataset.focus : undefined;
  into.replaceChildren(...children);
  if (focus) [...into.querySelectorAll("[data-focus]")].find((it) => it.dataset.focus === focus)?.focus();
}

function say(text) {
  $("said").textContent = plain(text);
  $("said").hidden = false;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { $("said").hidden = true; }, 6000);
}

const now = () => Date.now() + state.skew;

function span(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} days`;
}

const since = (at) => (at ? span(now() - Date.parse(at)) : "");
const clock = (at) => new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const when = (at) => new Date(at).toLocaleString([], { dateStyle: "short", timeStyle: "medium" });

/* ---- who may see it ---- */

function askForKey(refusal) {
  state.key = null;
  sessionStorage.removeItem(KEPT);
  $("board").hidden = $("session").hidden = $("freshness").hidden = $("banner").hidden = true;
  $("enter").hidden = false;
  $("refused").hidden = !refusal;
  $("refused").textContent = refusal ?? "";
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  $("key").value = "";
  $("key").focus();
}

$("enter").addEventListener("submit", async (event) => {
  event.preventDefault();
  state.key = $("key").value.trim();
  try {
    await ask("operator/status");
  } catch (error) {
    askForKey(isLockedOut(error) ? "Not accepted: this is none of the operator_keys of this connection." : `Not possible now: ${error.message}`);
    return;
  }
  sessionStorage.setItem(KEPT, state.key);
  open();
});

$("leave").addEventListener("click", () => askForKey());

function open() {
  $("enter").hidden = true;
  $("board").hidden = $("session").hidden = false;
  state.conversations = state.letters = state.status = null;
  render();
  look();
  showHealth(null);
}

/* ---- looking again and again ---- */

async function look() {
  clearTimeout(look.timer);
  if (!state.key || document.hidden || look.busy) return;
  look.busy = true;
  const key = state.key;
  try {
    const [status, open, recent, letters] = await Promise.all([
      ask("operator/status"),
      ask("operator/conversations?handler=agent&limit=200"),
      ask("operator/conversations?limit=50"),
      ask("operator/dead-letters"),
      lookAtPlots(),
    ]);
    const all = new Map([...open.conversations, ...recent.conversations].reverse().map((it) => [it.conversation, it]));
    Object.assign(state, { status, conversations: [...all.values()].reverse(), letters: letters.dead_letters, readAt: Date.now(), trouble: null });
    if ($("timeline").open) await readTimeline();
  } catch (error) {
    if (key !== state.key) return;
    if (isLockedOut(error)) return askForKey(`The key is not accepted any more: ${error.message}`);
    state.trouble = error instanceof Refused ? error.message : "the bridge does not answer";
  } finally {
    look.busy = false;
  }
  render();
  look.timer = setTimeout(look, EVERY);
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) look();
  freshness();
});
setInterval(freshness, 1000);

function freshness() {
  if (!state.key) return;
  const age = state.readAt === null ? null : Date.now() - state.readAt;
  const stale = age !== null && age > STALE;
  $("freshness").hidden = false;
  $("freshness").className = `pill ${stale || state.trouble ? "stale" : age === null ? "" : "ok"}`;
  $("freshness").textContent = age === null ? "loading…" : stale || state.trouble ? `as of ${clock(state.readAt + state.skew)}` : "live";
  const read = age === null ? "Nothing could be read yet" : `What you see was read at ${clock(state.readAt + state.skew)}`;
  const text = state.trouble ? `${read}: ${state.trouble}. Trying again…` : "";
  $("banner").hidden = !text;
  if ($("banner").textContent !== text) $("banner").textContent = text;
}

/* ---- what is shown ---- */

function render() {
  freshness();
  tiles();
  conversations();
  letters();
  const drained = state.status?.draining === true;
  $("drain").setAttribute("aria-pressed", String(drained));
  $("drain").textContent = drained ? "Draining – take handovers again" : "Drain";
  $("drain").disabled = state.status === null;
}

function tiles() {
  const { status, conversations } = state;
  if (!status) return show($("tiles"));
  const count = (...statuses) => conversations.filter((it) => statuses.includes(it.status) && it.handler === "agent").length;
  const waiting = Object.values(status.waiting ?? {}).reduce((sum, jobs) => sum + jobs, 0);
  const tile = (value, text, bad) => el("li", { class: bad ? "tile bad" : "tile" }, el("b", {}, String(value)), el("span", {}, text));
  show($("tiles"),
    tile(count("active"), "with an agent"),
    tile(count("requested", "queued"), "waiting for an agent"),
    tile(waiting, "jobs in the queues"),
    tile(state.letters.length, "dead letters", state.letters.length > 0),
    tile(status.draining ? "draining" : status.enabled === false ? "disabled" : "open", "for new handovers"));
}

const isOpen = (it) => it.handler === "agent";
const FILTERS = {
  all: () => true,
  open: isOpen,
  waiting: (it) => isOpen(it) && (it.status === "requested" || it.status === "queued"),
  active: (it) => isOpen(it) && it.status === "active",
  bot: (it) => it.handler === "bot",
};

function conversations() {
  if (state.conversations === null) return show($("conversations"), el("p", { class: "empty" }, "Loading…"));
  const words = $("find").value.trim().toLowerCase();
  const matches = (it) => FILTERS[$("show").value](it)
    && [it.conversation, it.agent?.name ?? ""].some((text) => text.toLowerCase().includes(words));
  const found = state.conversations.filter(matches).sort((one, other) => isOpen(other) - isOpen(one));
  if (found.length === 0) {
    const none = state.conversations.length === 0 ? "No conversation yet." : "No conversation matches.";
    return show($("conversations"), el("p", { class: "empty" }, none));
  }
  show($("conversations"), table(
    `${found.length} of ${state.conversations.length} conversations: all that are with agents, and the 50 that changed last`,
    ["Conversation", "Status", "Held by", "Queue", "Age", ""],
    found.map((it) => row("conversation", [
      cell("Conversation", it.conversation, "id"),
      cell("Status", el("span", { class: `pill ${isOpen(it) ? it.status : it.status === "failed" ? "failed" : "bot"}` }, it.status === "none" ? "no handover" : it.status.replace("_", " "))),
      cell("Held by", holder(it)),
      cell("Queue", place(it)),
      cell("Age", isOpen(it) ? since(it.requested_at ?? it.changed_at) : `changed ${since(it.changed_at)} ago`),
      acts(
        act("Timeline", `timeline ${it.conversation}`, () => openTimeline(it.conversation)),
        isOpen(it) ? act("Release", `release ${it.conversation}`, () => release(it.conversation)) : null),
    ]))));
}

function holder(it) {
  if (!isOpen(it)) return "the bot";
  return it.status === "active" ? it.agent?.name ?? "an agent" : "nobody yet";
}

function place(it) {
  if (!isOpen(it) || it.status === "active" || !it.queue) return "";
  const parts = [];
  if (it.queue.position !== undefined) parts.push(`no. ${it.queue.position}`);
  if (it.queue.estimated_wait_ms !== undefined) parts.push(`about ${span(it.queue.estimated_wait_ms)}`);
  return parts.join(", ");
}

function letters() {
  if (state.letters === null) return show($("letters"), el("p", { class: "empty" }, "Loading…"));
  if (state.letters.length === 0) return show($("letters"), el("p", { class: "empty" }, "None: everything was delivered, or is being tried."));
  show($("letters"), table(
    "Oldest first. Mend the cause, then replay; the reasons are explained in docs/operations.md.",
    ["Put aside", "Work", "Reason", "Attempts", "Conversation", ""],
    state.letters.map((it) => row("letter", [
      cell("Put aside", `${since(it.at)} ago`),
      cell("Work", it.work.replaceAll("_", " ")),
      cell("Reason", it.reason, "reason"),
      cell("Attempts", String(it.attempts)),
      cell("Conversation", it.conversation ?? "", "id"),
      acts(
        act("Replay", `replay ${it.id}`, () => replay(it)),
        act("Discard", `discard ${it.id}`, () => discard(it)),
        it.conversation ? act("Timeline", `letter timeline ${it.id}`, () => openTimeline(it.conversation)) : null),
    ]))));
}

function table(caption, heads, rows) {
  const head = heads.map((text) => el("th", { scope: "col" }, text || el("span", { class: "hidden-label" }, "Actions")));
  return el("table", {}, el("caption", {}, caption), el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...rows));
}

const row = (kind, cells) => el("tr", { "data-testid": kind }, ...cells);

function cell(label, content, kind = "") {
  const none = content === "" ? "none" : "";
  return el("td", { "data-label": label, class: `${kind} ${none}`.trim() }, el("span", {}, content));
}

const acts = (...buttons) => el("td", { class: "acts" }, ...buttons);

function act(text, focus, on) {
  const [what] = text.toLowerCase().split(" ");
  return el("button", { type: "button", class: "button small", "data-focus": focus, "data-testid": what, "aria-label": `${text}: ${focus.replace(/^(letter )?\S+ /, "")}`, on }, text);
}

/* ---- doing something ---- */

/** Asks back; resolves to whether the operator means it. */
function sure(title, what, yes) {
  $("sure-title").textContent = title;
  $("sure-what").textContent = plain(what);
  $("sure-yes").textContent = yes;
  const dialog = $("sure");
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

$("sure-yes").addEventListener("click", () => $("sure").close("yes"));
for (const button of document.querySelectorAll("[data-close]")) {
  button.addEventListener("click", () => button.closest("dialog").close());
}

async function act_on(path, method, done) {
  try {
    await ask(path, method);
    say(done);
  } catch (error) {
    if (isLockedOut(error)) return askForKey(`The key is not accepted any more: ${error.message}`);
    say(`Not done: ${error instanceof Refused ? error.message : "the bridge does not answer"}`);
  }
  look();
}

async function release(id) {
  const what = `${id}: the bot has the conversation at once; in RingCentral the intervention is closed or cancelled and the thread goes back to the Bot category.`;
  if (await sure("Release this conversation?", what, "Release")) {
    await act_on(`operator/conversations/${encodeURIComponent(id)}/release`, "POST", `${id} is back with the bot.`);
  }
}

async function replay(it) {
  const what = `“${it.work.replaceAll("_", " ")}” is tried again at the end of its conversation. What the other side took already it recognises by its id.`;
  if (await sure("Replay this dead letter?", what, "Replay")) {
    await act_on(`operator/dead-letters/${encodeURIComponent(it.id)}/replay`, "POST", "It is being tried again.");
  }
}

async function discard(it) {
  const what = `“${it.work.replaceAll("_", " ")}” will never be delivered. This cannot be undone.`;
  if (await sure("Discard this dead letter?", what, "Discard")) {
    await act_on(`operator/dead-letters/${encodeURIComponent(it.id)}`, "DELETE", "It is gone.");
  }
}

$("drain").addEventListener("click", async () => {
  if (state.status?.draining) {
    await act_on("operator/drain", "DELETE", "New handovers are taken again.");
  } else if (await sure("Drain this connection?", "New handover requests are refused until you switch it off; those under way go on.", "Drain")) {
    await act_on("operator/drain", "POST", "New handovers are refused from now on.");
  }
});

for (const [id, event] of [["show", "change"], ["find", "input"]]) $(id).addEventListener(event, conversations);

/* ---- one conversation ---- */

async function openTimeline(id) {
  state.shown = id;
  $("text").checked = false;
  $("timeline-title").textContent = plain(id);
  show($("lines"), el("li", { class: "empty" }, "Loading…"));
  $("timeline").showModal();
  await readTimeline();
}

async function readTimeline() {
  const [id, text] = [state.shown, $("text").checked];
  let lines;
  try {
    const read = await ask(`conversations/${encodeURIComponent(id)}/timeline${text ? "" : "?text=false"}`);
    lines = read.entries.map(line);
  } catch (error) {
    lines = [el("li", { class: "empty bad" }, error.status === 404 ? "There is no such conversation (any more)." : `Not readable: ${error.message}`)];
  }
  if (id !== state.shown || text !== $("text").checked) return;
  const top = $("lines").scrollTop;
  show($("lines"), ...(lines.length ? lines : [el("li", { class: "empty" }, "Nothing yet.")]));
  $("lines").scrollTop = top;
}

function line({ at, what, text, ...detail }) {
  const details = Object.entries(detail).map(([key, value]) => `${key.replaceAll("_", " ")}: ${typeof value === "object" ? JSON.stringify(value) : value}`);
  return el("li", { "data-testid": "line" },
    el("time", { datetime: at, title: when(at) }, clock(at)),
    el("div", {},
      el("span", { class: "what" }, what),
      details.length ? el("div", { class: "detail" }, details.join(" · ")) : null,
      text ? el("div", { class: "words", "data-testid": "words" }, text) : null));
}

$("text").addEventListener("change", readTimeline);

/* ---- the last hour ---- */

async function lookAtPlots() {
  let figures;
  try {
    figures = await ask("operator/figures");
  } catch (error) {
    if (error.status !== 404) throw error;
    $("hour").hidden = true;
    return;
  }
  $("hour").hidden = false;
  const points = figures.points.map((point) => ({ ...point, time: Date.parse(point.at) }));
  const draw = (title, series, format) => plot(title, points, series, format, figures.every_seconds);
  const rate = (value) => `${+value.toFixed(value < 1 ? 2 : value < 10 ? 1 : 0)}/s`;
  const time = (value) => (value < 1000 ? `${+value.toFixed(value < 10 ? 1 : 0)} ms` : `${+(value / 1000).toFixed(1)} s`);
  const whole = (value) => String(+value.toFixed(1));
  show($("plots"),
    draw("Messages", [
      { name: "to the bot", colour: "violet", of: (point) => point.to_bot_per_second },
      { name: "to RingCentral", colour: "blue", of: (point) => point.to_ringcx_per_second },
    ], rate),
    draw("Delivery time", [
      { name: "p99", colour: "blue", of: (point) => point.p99_ms },
      { name: "median", colour: "green", of: (point) => point.p50_ms },
    ], time),
    draw("Open handovers", [{ name: "open", colour: "green", of: (point) => point.open }], whole),
    draw("Failed attempts", [{ name: "failed", colour: "red", of: (point) => point.failures }], whole));
}

/* ---- health ---- */

const LEVELS = ["error", "warning", "skipped", "ok"];

/** What an examination found; `null`: nobody asked for one yet. One calls RingCentral some 25 times, so only who asks gets one. */
function showHealth(found) {
  $("health").hidden = false;
  if (!found) return show($("checks"), el("p", { class: "empty" }, "Not checked yet. A check calls RingCentral and the bot, and takes up to half a minute."));
  const checks = [...found.checks].sort((one, other) => LEVELS.indexOf(one.status) - LEVELS.indexOf(other.status));
  show($("checks"),
    el("p", { class: "empty", "data-testid": "checked-at" }, `As of ${clock(found.at)} (at most one examination a minute)`),
    el("ul", { class: "checks" }, ...checks.map(check)));
}

async function checkHealth() {
  $("check").disabled = true;
  show($("checks"), el("p", { class: "empty" }, "Checking…"));
  try {
    showHealth(await ask("operator/doctor", "GET", 120000));
  } catch (error) {
    $("health").hidden = error.status === 404;
    show($("checks"), el("p", { class: "empty bad" }, `The checks could not be run: ${error.message}`));
  }
  $("check").disabled = false;
}

function check(it) {
  const level = LEVELS.includes(it.status) ? it.status : "skipped";
  const bad = level === "error" || level === "warning";
  const part = (text) => (text ? el("div", { class: bad ? "" : "soft" }, text) : null);
  // A title says what should be: beside an error that would be the opposite of what is.
  return el("li", { "data-testid": "check-result" },
    el("span", { class: `pill ${level}` }, it.status),
    el("b", {}, bad ? it.what : it.title),
    part(bad ? null : it.what),
    bad ? part(it.why) : null,
    level === "ok" ? null : part(it.how));
}

$("check").addEventListener("click", checkHealth);

$("connection").textContent = decodeURIComponent(CONNECTION);
document.title = `${decodeURIComponent(CONNECTION)} · operator`;
if (state.key) open();
else askForKey();
