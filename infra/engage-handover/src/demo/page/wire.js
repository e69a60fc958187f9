// What the bot sends to the bridge and what the bridge sends to the bot, as an integrator would log it.

import { $, clock, doing, followEnd, h, millis, post, setText, toEnd } from "./dom.js";

let channel = null;
let conversation = "";

export function reset(id, next) {
  conversation = id;
  if (next !== channel) choose(next.opens === "timeline");
  channel = next;
  setText($("wire-empty"), channel.nothing);
  $("butt-in").hidden = true;
  $("wire").replaceChildren();
  $("wire-empty").hidden = false;
}

/** Where the bot's words go through the bridge only, it can be tried what becomes of those that nobody is to hear. */
export function phase(view) {
  $("butt-in").hidden = channel.isOurs || view.phase === "bot";
}

export function add(exchanges) {
  $("wire-empty").hidden = true;
  $("wire").append(...exchanges.map(row));
  toEnd($("wire-view"));
}

function row(exchange) {
  const call = exchange.direction === "call";
  const good = exchange.status >= 200 && exchange.status < 300;
  const summary = h(
    "summary",
    {},
    h("span", { className: "when" }, clock(exchange.at, true)),
    h("span", { className: "arrow", title: call ? "The bot calls the bridge" : "The bridge tells the bot" }, call ? "→" : "←"),
    h("span", { className: "name" }, exchange.what, h("small", { dir: "auto" }, gist(exchange)), words(exchange)),
    h("span", { className: good ? "status" : "status bad" }, String(exchange.status ?? "no answer")),
    h("span", { className: "took" }, call ? millis(exchange.took_ms) : ""),
  );
  const bodies = [pretty(exchange.sent), call && exchange.answer ? pretty(exchange.answer) : null];
  return h("li", { className: exchange.direction }, h("details", {}, summary, ...bodies));
}

const pretty = (value) => h("pre", { dir: "ltr" }, JSON.stringify(value, null, 2));

function gist({ direction, sent, answer }) {
  if (direction === "event") {
    const data = sent?.data ?? {};
    const epoch = data.epoch === undefined ? null : `handover ${data.epoch}`;
    const cause = channel.isOurs ? null : data.cause;
    return [data.seq === undefined ? null : `seq ${data.seq}`, epoch, cause].filter(Boolean).join(" · ");
  }
  if (answer?.handler) return `${sent?.notice ? "notice of the " : ""}${sent?.from ?? ""} → handler: ${answer.handler}`;
  if (answer?.handover?.status) return `→ ${answer.handover.status}`;
  return answer?.detail ?? sent?.state ?? "";
}

/** On a channel of RingCentral's own all that is said passes here. */
function words({ direction, sent }) {
  if (channel.isOurs) return null;
  const message = direction === "event" ? sent?.data?.message : sent;
  const files = (message?.attachments ?? []).map((file) => file.filename ?? "a file");
  const said = [message?.text, message?.payload ? `(${message.payload})` : null, ...files].filter(Boolean);
  return said.length > 0 ? h("q", { dir: "auto" }, said.join(" ")) : null;
}

function choose(timeline) {
  $("timeline-view").hidden = !timeline;
  $("wire-view").hidden = timeline;
  $("show-timeline").ariaPressed = String(timeline);
  $("show-wire").ariaPressed = String(!timeline);
  toEnd($(timeline ? "timeline-view" : "wire-view"), true);
}

followEnd($("wire-view"));
$("show-timeline").addEventListener("click", () => choose(true));
$("show-wire").addEventListener("click", () => choose(false));
$("butt-in").addEventListener("click", () => doing($("butt-in"), () => post(`${channel.base}/${conversation}/butt-in`)));
