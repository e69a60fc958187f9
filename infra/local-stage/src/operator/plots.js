"use strict";
// Lines over the last hour, drawn as SVG. Nothing here knows where the figures come from.

const SVG = "http://www.w3.org/2000/svg";
const WIDE = 340, HIGH = 130, LEFT = 56, RIGHT = 6, TOP = 8, BOTTOM = 22;
const HOUR = 3600 * 1000;

function shape(name, attributes) {
  const it = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) it.setAttribute(key, String(value));
  return it;
}

/** A round number that is at least `most`, for the top of an axis. */
function roundUp(most) {
  if (most <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= most * 0.999);
}

/**
 * One figure. `series`: `{name, colour, of}` with `of(point)` a number or null. `format` writes a value.
 * `points` are in order, each with `time` in milliseconds; where one is missing, the line has a gap.
 */
function plot(title, points, series, format, every) {
  const end = points.at(-1)?.time ?? Date.now();
  const values = series.flatMap(({ of }) => points.map(of)).filter((value) => value !== null);
  const top = roundUp(Math.max(0, ...values));
  const x = (time) => LEFT + (WIDE - LEFT - RIGHT) * (1 - (end - time) / HOUR);
  const y = (value) => TOP + (HIGH - TOP - BOTTOM) * (1 - value / top);

  const latest = series.map(({ name, of }) => {
    const value = points.length ? of(points.at(-1)) : null;
    return `${name} ${value === null ? "none" : format(value)}`;
  });
  const svg = shape("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": `${title}, now: ${latest.join(", ")}` });
  for (const part of [0, 0.5, 1]) {
    const at = y(top * part);
    svg.append(shape("line", { class: "grid", x1: LEFT, x2: WIDE - RIGHT, y1: at, y2: at }));
    const label = shape("text", { x: LEFT - 6, y: at + 4, "text-anchor": "end" });
    label.textContent = format(top * part);
    svg.append(label);
  }
  for (const [minutes, anchor] of [[60, "start"], [30, "middle"], [0, "end"]]) {
    const label = shape("text", { x: x(end - minutes * 60000), y: HIGH - 5, "text-anchor": anchor });
    label.textContent = minutes ? `−${minutes} min` : "now";
    svg.append(label);
  }
  for (const { colour, of } of series) {
    let path = "", before = null;
    for (const point of points) {
      const value = of(point);
      if (value === null || point.time < end - HOUR) { before = null; continue; }
      const gap = before === null || point.time - before.time > every * 2500;
      const at = `${x(point.time).toFixed(1)} ${y(value).toFixed(1)}`;
      const next = points[points.indexOf(point) + 1];
      const alone = gap && (next === undefined || of(next) === null);
      if (alone) svg.append(shape("circle", { class: `dot ${colour}`, cx: x(point.time), cy: y(value), r: 2 }));
      path += `${gap ? "M" : "L"}${at} `;
      before = point;
    }
    if (path) svg.append(shape("path", { class: `line ${colour}`, d: path.trim() }));
  }

  const figure = document.createElement("figure");
  figure.className = "plot";
  figure.dataset.testid = "plot";
  const caption = document.createElement("figcaption");
  caption.textContent = title;
  const legends = series.map(({ name, colour, of }) => {
    const legend = document.createElement("span");
    legend.className = `legend ${colour}`;
    caption.append(legend);
    return (point) => {
      const value = point ? of(point) : null;
      legend.textContent = `${name} ${value === null ? "–" : format(value)}`;
    };
  });
  const tell = (point) => legends.forEach((legend) => legend(point));
  tell(points.at(-1));
  const cursor = shape("line", { class: "cursor", y1: TOP, y2: HIGH - BOTTOM, x1: -9, x2: -9 });
  svg.append(cursor);
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * WIDE;
    const near = points.reduce((best, point) => (best && Math.abs(x(best.time) - at) <= Math.abs(x(point.time) - at) ? best : point), null);
    if (!near) return;
    cursor.setAttribute("x1", x(near.time));
    cursor.setAttribute("x2", x(near.time));
    tell(near);
  });
  svg.addEventListener("pointerleave", () => {
    cursor.setAttribute("x1", -9);
    cursor.setAttribute("x2", -9);
    tell(points.at(-1));
  });
  figure.append(caption, svg);
  return figure;
}
