// The bridge's own record of the conversation.

import { $, clock, followEnd, h, millis, reconcile, setText, toEnd } from "./dom.js";

/** Members of a row that have a column of their own, or say nothing to a reader. */
const ELSEWHERE = new Set(["at", "what", "text", "epoch", "latency_ms", "event"]);
let entries = [];
let channel = null;

export function reset(_, next) {
  channel = next;
  setText($("way-out"), channel.way[0]);
  setText($("way-in"), channel.way[1]);
  entries = [];
  $("timeline-rows").replaceChildren();
  $("timeline").hidden = true;
  $("timeline-empty").hidden = false;
  $("figures").replaceChildren();
}

export const count = () => entries.length;

export function show(answer) {
  const first = entries.length === 0;
  const authors = new Map();
  entries = (answer.entries ?? []).map((entry, index) => {
    if (entry.from) authors.set(entry.message_id, entry.from);
    return { ...entry, key: `${index}-${entry.at}`, time: Date.parse(entry.at), author: authors.get(entry.message_id) };
  });
  $("timeline").hidden = entries.length === 0;
  $("timeline-empty").hidden = entries.length > 0;
  reconcile($("timeline-rows"), entries, (entry) => entry.key, (entry) => row(entry, !first));
  toEnd($("timeline-view"));
  figures();
}

function row(entry, fresh) {
  const took = entry.latency_ms;
  const speed = took === undefined ? "" : took <= 250 ? "took-fast" : "took-slow";
  const what = h("span", { className: "what", data: { side: side(entry) } }, h("span", {}, entry.what));
  if (entry.event) what.firstChild.append(h("small", {}, entry.event));
  const element = h(
    "tr",
    { className: fresh ? "fresh" : "", data: { what: entry.what, event: entry.event ?? "", testid: "timeline-row" } },
    h("td", { title: entry.at }, clock(entry.time, true)),
    h("td", {}, what),
    h("td", { className: speed, data: { testid: "latency" } }, took === undefined ? "" : millis(took)),
    h("td", { title: "The number of the handover within the conversation: its epoch" }, entry.epoch === undefined ? "" : `#${entry.epoch}`),
    h("td", {}, ...facts(entry)),
  );
  // A pane that is shown later must not begin to glow then.
  setTimeout(() => element.classList.remove("fresh"), 1600);
  return element;
}

/** Whose doing it is: the colour of the dot. */
function side({ what, event, author }) {
  if (/fail|dead_letter|not_|timed_out|refused/.test(what)) return "bad";
  if (/^agent_message|^ringcx/.test(what) || event === "message.created") return "agent";
  if (/requested|started|queue/.test(what) || event === "handover.queued") return "wait";
  if (author === "user") return "customer";
  if (author === "bot" || /^bot|^handover/.test(what)) return "bot";
  return event?.endsWith("active") ? "agent" : "bot";
}

function facts(entry) {
  const shown = Object.entries(entry)
    .filter(([key, value]) => !ELSEWHERE.has(key) && !["key", "time", "author"].includes(key) && value !== null && value !== "")
    .map(([key, value]) => fact(key, value));
  if (entry.text) shown.push(h("bdi", { className: "quote", title: entry.text }, clip(entry.text, 70)));
  return shown;
}

function fact(key, value) {
  const full = typeof value === "object" ? JSON.stringify(value) : String(value);
  const isId = /(^|_)id$/.test(key) && full.length > 12;
  const name = key.replace(/_id$/, "").replaceAll("_", " ");
  return h("span", { className: "fact", title: `${key}: ${full}` },
    h("span", {}, name), h(isId ? "code" : "bdi", {}, isId ? `…${full.slice(-6)}` : clip(full, 48)));
}

function clip(text, length) {
  const characters = [...text];
  return characters.length > length ? `${characters.slice(0, length).join("")}…` : text;
}

/** The middle of each kind of latency, from acceptance by the bridge to delivery. */
function figures() {
  const kinds = [
    [channel.isOurs ? "agent → customer" : "customer → bot", (entry) => entry.what === "event.delivered" && entry.event === "message.created"],
    ["customer → desk", (entry) => entry.what === "message.sent" && entry.author === "user"],
    ["request → queue", (entry) => entry.what === "handover.started"],
  ];
  const shown = kinds
    .map(([name, wanted]) => [name, entries.filter(wanted).map((entry) => entry.latency_ms).filter(Number.isFinite)])
    .filter(([, times]) => times.length > 0);
  reconcile($("figures"), shown, ([name]) => name, make, (element, [, times]) =>
    setText(element.firstChild, millis(median(times))));
}

function make([name]) {
  const title = "Median of this conversation, from acceptance by the bridge to delivery";
  return h("span", { className: "figure", title, data: { testid: "figure" } }, h("b", {}), name);
}

function median(times) {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)];
}

followEnd($("timeline-view"));
