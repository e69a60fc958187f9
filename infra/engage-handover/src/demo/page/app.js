// Joins the panes: one stream of events from the demo, handed to whoever shows them.

import { $, doing, post, setText, toEnd } from "./dom.js";
import { CHANNELS } from "./channels.js";
import * as chat from "./chat.js";
import * as desk from "./desk.js";
import * as guide from "./guide.js";
import * as timeline from "./timeline.js";
import * as wire from "./wire.js";

const state = { chat: null, channel: CHANNELS.own };
let stream = null;

async function begin() {
  const { channel } = state;
  const { conversation } = await post(channel.base);
  sessionStorage.setItem(channel.key, conversation);
  if (channel === state.channel) follow(conversation);
}

function follow(conversation) {
  const { channel } = state;
  stream?.close();
  for (const pane of [chat, desk, guide, timeline, wire]) pane.reset(conversation, channel);
  state.chat = null;
  stream = new EventSource(`${channel.live}/${encodeURIComponent(conversation)}`);
  on("chat", (view) => {
    state.chat = view;
    chat.show(view);
    desk.belongs(view.conversation);
    wire.phase(view);
  });
  on("desk", desk.show);
  on("timeline", timeline.show);
  on("exchanges", wire.add);
  const own = stream;
  stream.onopen = () => document.body.removeAttribute("data-offline");
  stream.onerror = () => {
    if (own !== stream) return;
    document.body.dataset.offline = "true";
    guide.offline();
    // A closed stream was refused: the demo was restarted and knows nothing of this conversation.
    if (own.readyState !== EventSource.CLOSED) return;
    setTimeout(() => own === stream && begin().catch(() => own === stream && follow(conversation)), 1000);
  };
}

function on(name, show) {
  stream.addEventListener(name, (event) => {
    if (event.currentTarget !== stream) return;
    show(JSON.parse(event.data));
    if (state.chat) guide.show(state.chat);
    badges();
  });
}

// One pane at a time on small screens.
const seen = { chat: 0, desk: 0, bridge: 0 };

function counts() {
  return { chat: chat.count(), desk: desk.waiting(), bridge: timeline.count() };
}

function badges() {
  const now = counts();
  const current = document.body.dataset.pane;
  seen[current] = now[current];
  for (const name of ["chat", "bridge"]) {
    const fresh = Math.max(0, now[name] - seen[name]);
    $(`badge-${name}`).hidden = fresh === 0;
    setText($(`badge-${name}`), String(fresh));
  }
  $("badge-desk").hidden = now.desk === 0;
  setText($("badge-desk"), String(now.desk));
}

function goTo(pane) {
  document.body.dataset.pane = pane;
  for (const button of document.querySelectorAll("[data-goto]")) {
    button.ariaCurrent = String(button.dataset.goto === pane);
  }
  for (const scroller of document.querySelectorAll(`#pane-${pane} .scroll`)) toEnd(scroller, true);
  chat.markRead();
  badges();
}

for (const button of document.querySelectorAll("[data-goto]")) {
  button.addEventListener("click", () => goTo(button.dataset.goto));
}

// Light and dark: the system's choice, unless somebody chose.
const root = document.documentElement;
const isDark = () =>
  root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
function theme(choice) {
  if (choice) root.dataset.theme = choice;
  setText($("theme"), isDark() ? "Light" : "Dark");
}
$("theme").addEventListener("click", () => {
  const choice = isDark() ? "light" : "dark";
  localStorage.setItem("theme", choice);
  theme(choice);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => theme());
theme(localStorage.getItem("theme"));

$("restart").addEventListener("click", () =>
  doing($("restart"), async () => {
    await begin();
    goTo("chat");
    $("chat-input").focus();
  }),
);

// The two tabs: whose channel it is. What is half written stays where it was written.
const tabs = [...document.querySelectorAll("[role='tab']")];
const drafts = {};
const boxes = ["chat-input", "desk-input"];

function choose(name) {
  drafts[state.channel.key] = boxes.map((id) => $(id).value);
  state.channel = CHANNELS[name];
  boxes.forEach((id, index) => ($(id).value = drafts[state.channel.key]?.[index] ?? ""));
  document.body.dataset.channel = name;
  for (const tab of tabs) {
    const chosen = tab.dataset.channel === name;
    tab.ariaSelected = String(chosen);
    tab.tabIndex = chosen ? 0 : -1;
    if (chosen) $("panes").setAttribute("aria-labelledby", tab.id);
  }
  history.replaceState(null, "", name === "own" ? location.pathname : `#${name}`);
  for (const pane of Object.keys(seen)) seen[pane] = 0;
  goTo("chat");
  const known = sessionStorage.getItem(state.channel.key);
  if (known) follow(known);
  else doing(null, begin);
}

const KEYS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
tabs.forEach((tab, index) => {
  tab.addEventListener("click", () => tab.ariaSelected === "true" || choose(tab.dataset.channel));
  tab.addEventListener("keydown", (event) => {
    const step = KEYS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const to = Number.isFinite(step) ? (index + step + tabs.length) % tabs.length : step < 0 ? 0 : tabs.length - 1;
    tabs[to].focus();
    tabs[to].click();
  });
});

const wanted = location.hash.slice(1);
choose(Object.hasOwn(CHANNELS, wanted) ? wanted : "own");
