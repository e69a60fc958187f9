// Joins the panes: one stream of events from the demo, handed to whoever shows them.

import { $, doing, post, setText, toEnd } from "./dom.js";
import * as chat from "./chat.js";
import * as desk from "./desk.js";
import * as guide from "./guide.js";
import * as timeline from "./timeline.js";
import * as wire from "./wire.js";

const state = { chat: null };
let stream = null;

async function begin() {
  const { conversation } = await post("/chat");
  sessionStorage.setItem("conversation", conversation);
  follow(conversation);
}

function follow(conversation) {
  stream?.close();
  for (const pane of [chat, desk, timeline, wire]) pane.reset(conversation);
  state.chat = null;
  stream = new EventSource(`/live/${encodeURIComponent(conversation)}`);
  on("chat", (view) => {
    state.chat = view;
    chat.show(view);
  });
  on("desk", desk.show);
  on("timeline", timeline.show);
  on("exchanges", wire.add);
  stream.onopen = () => document.body.removeAttribute("data-offline");
  stream.onerror = () => {
    document.body.dataset.offline = "true";
    guide.offline();
    // A closed stream was refused: the demo was restarted and knows nothing of this conversation.
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => begin().catch(() => follow(conversation)), 1000);
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

goTo("chat");
const known = sessionStorage.getItem("conversation");
if (known) follow(known);
else doing(null, begin);
