// Small helpers. Text always goes in as text, never as markup.

export const $ = (id) => document.getElementById(id);

/** An element with properties and children; strings become text. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null) continue;
    if (key === "data") Object.assign(element.dataset, value);
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key in element) element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Links to the files of a line. */
export function attachments(line) {
  if (!Array.isArray(line.attachments)) return [];
  return line.attachments
    .filter((file) => /^https?:/.test(file?.url ?? ""))
    .map((file) =>
      h("a", { className: "attachment", href: file.url, target: "_blank", rel: "noopener noreferrer" }, file.filename ?? file.url),
    );
}

/** Sets the text only if it differs, so that screen readers are not told twice. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Makes the children of `parent` match `items`, keeping the elements of known keys, and with them
 * focus, selection and open details.
 */
export function reconcile(parent, items, keyOf, make, update) {
  const known = new Map();
  for (const child of [...parent.children]) known.set(child.dataset.key, child);
  let cursor = parent.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    let element = known.get(key);
    if (element) known.delete(key);
    else {
      element = make(item);
      element.dataset.key = key;
    }
    update?.(element, item);
    if (element === cursor) cursor = cursor.nextElementSibling;
    else parent.insertBefore(element, cursor);
  }
  for (const child of known.values()) child.remove();
}

const atEnd = new WeakMap();

/** Keeps a list at its end while it grows or its box changes, unless somebody scrolled up to read. */
export function followEnd(scroller) {
  atEnd.set(scroller, true);
  scroller.addEventListener("scroll", () => {
    const rest = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    atEnd.set(scroller, rest < 40);
  });
  new ResizeObserver(() => toEnd(scroller)).observe(scroller);
}

/** To the end of a followed list; with `force` even if somebody scrolled up. */
export function toEnd(scroller, force = false) {
  if (force) atEnd.set(scroller, true);
  if (atEnd.get(scroller)) scroller.scrollTop = scroller.scrollHeight;
}

/** Posts JSON to the demo. Throws an error with a sentence for people. */
export async function post(path, body = {}) {
  let response;
  try {
    response = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Error("The demo does not answer. Is it still running?");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) {
    const why = answer.error?.message ?? answer.error ?? answer.message ?? answer.detail;
    throw new Error(typeof why === "string" && why ? sentence(why) : `The request failed (${response.status}).`);
  }
  return answer;
}

/** Shows what went wrong, or good news, for a while. */
export function toast(text, kind = "bad") {
  const list = $("toasts");
  if ([...list.children].some((shown) => shown.dataset.text === text)) return;
  const close = h("button", { type: "button", ariaLabel: "Dismiss", onclick: () => box.remove() }, "×");
  const box = h("div", { className: `toast ${kind}`, data: { text } }, h("span", {}, text), close);
  list.append(box);
  setTimeout(() => box.remove(), kind === "bad" ? 9000 : 5000);
}

/** Does something for a button: disabled meanwhile, failures shown. */
export async function doing(button, work) {
  if (button) button.disabled = true;
  try {
    return await work();
  } catch (error) {
    toast(error.message);
    return undefined;
  } finally {
    if (button) button.disabled = false;
  }
}

/** Enter sends, Shift+Enter starts a new line; not while an input method composes. */
export function composer(form, input, send) {
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (!text) return;
    input.value = "";
    send(text);
  });
}

export function clock(ms, precise = false) {
  const time = new Date(ms);
  const two = (number) => String(number).padStart(2, "0");
  const base = `${two(time.getHours())}:${two(time.getMinutes())}`;
  if (!precise) return base;
  return `${base}:${two(time.getSeconds())}.${String(time.getMilliseconds()).padStart(3, "0")}`;
}

export function millis(ms) {
  if (ms < 9.95) return `${ms.toFixed(1).replace(/\.0$/, "")} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

export function about(ms) {
  const seconds = Math.max(1, Math.round(ms / 1000));
  return seconds < 90 ? `about ${seconds} s` : `about ${Math.round(seconds / 60)} min`;
}

export function ordinal(number) {
  const rest = number % 100;
  if (rest >= 11 && rest <= 13) return `${number}th`;
  return `${number}${["th", "st", "nd", "rd"][number % 10] ?? "th"}`;
}

export function sentence(text) {
  const full = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(full) ? full : `${full}.`;
}
