// Tells a first-time visitor what to do next.

import { $, h, reconcile, setText } from "./dom.js";

let channel = null;

export function reset(_, next) {
  channel = next;
  $("steps").replaceChildren();
}

/** The number of steps done. */
function progress(view) {
  if (view.phase === "active") return channel.isAnswered(view) ? 4 : 3;
  if (view.phase !== "bot") return 2;
  if (channel.isOver(view)) return 5;
  return view.lines.some((line) => line.from === "customer") ? 1 : 0;
}

export function show(view) {
  const done = progress(view);
  reconcile($("steps"), channel.steps, (step) => step, (step) => h("li", {}, step), (element, step) => {
    const index = channel.steps.indexOf(step);
    element.dataset.state = index < done ? "done" : index === done ? "now" : "later";
    element.ariaCurrent = index === done ? "step" : null;
  });
  setText($("hint"), view.asleep && view.phase === "bot" ? channel.asleep(view.asleep) : channel.hints[done]);
}

export function offline() {
  setText($("hint"), "The demo does not answer. Is it still running? This page tries again by itself.");
}
