// What both pages use: elements, icons, posting, following events. No framework.

import { lang, t } from "/pages/words.js";

export function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") for (const [event, does] of Object.entries(value)) made.addEventListener(event, does);
    else if (name in made && !name.startsWith("aria")) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

const PATHS = {
  good: "M7 11v9H3v-9zM7 11l4-8a2.5 2.5 0 0 1 2.5 3L13 9h6a2 2 0 0 1 2 2.3l-1.2 7A2 2 0 0 1 17.800 20H7",
  bad: "M17 13V4h4v9zM17 13l-4 8a2.500 2.500 0 0 1-2.500-3L11 15H5a2 2 0 0 1-2-2.300l1.200-7A2 2 0 0 1 6.200 4H17",
  send: "M4 12l16-8-5 16-4-7zM11 13l9-9",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21c0-4 4-6 8-6s8 2 8 6",
  tool: "M14 7a4 4 0 0 0 5 5l-8 8a2.800 2.800 0 0 1-4-4l8-8zM14 7l3-3a5 5 0 0 1 3 3l-3 3",
  back: "M15 5l-7 7 7 7",
  done: "M5 13l4 4 10-10",
  wait: "M12 7v5l3 2M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z",
  failed: "M7 7l10 10M17 7L7 17",
  edit: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  anew: "M12 5v14M5 12h14",
};

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "icon");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

// Text of a user's or a model's: line breaks stay, nothing in it becomes markup.
export function paragraph(text, className = "text") {
  return el("p", { className, textContent: text });
}

export function clock(at) {
  return new Date(at).toLocaleTimeString(lang === "zh" ? "zh-CN" : "en-GB", { hour: "2-digit", minute: "2-digit" });
}

export function stepIcon(step) {
  return icon({ returned: "done", approved: "done", waiting: "wait", failed: "failed", denied: "failed" }[step] ?? "tool");
}

export class Refused extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

// Posts JSON; gives the JSON answer. Throws Refused where the server says no; status 0 where it cannot be reached.
export async function post(path, body) {
  let response;
  try {
    response = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Refused(0, "unreachable", t("unreachable"));
  }
  const told = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, told.error?.code, told.error?.message ?? response.statusText);
  return told;
}

// Follows server-sent events, again and again until `stop` is called. `state` hears true (open) or false (lost);
// `gone` hears the HTTP status where the server has nothing to follow there. The server tells something at least every
// 15 s (`beat`): after `quiet` ms without an event the connection is taken for dead, and made anew.
export function follow(path, { on, state, gone, quiet = 40_000 }) {
  let source = null;
  let timer = null;
  let stopped = false;
  function heard() {
    clearTimeout(timer);
    timer = setTimeout(lost, quiet);
  }
  async function lost() {
    clearTimeout(timer);
    source.close();
    if (stopped) return;
    state(false);
    const aborted = new AbortController();
    const late = setTimeout(() => aborted.abort(), 10_000);
    try {
      const response = await fetch(path, { signal: aborted.signal });
      const status = response.status;
      aborted.abort();
      if (stopped) return;
      if (!response.ok && status < 500 && status !== 429) return gone?.(status);
    } catch {
      // not reachable yet
    } finally {
      clearTimeout(late);
    }
    if (!stopped) timer = setTimeout(open, 700);
  }
  function open() {
    source = new EventSource(path);
    source.onopen = () => state(true);
    source.onerror = lost;
    for (const [name, does] of Object.entries({ ...on, beat: () => {} })) {
      source.addEventListener(name, (event) => {
        heard();
        does(JSON.parse(event.data));
      });
    }
    heard();
  }
  open();
  return () => {
    stopped = true;
    clearTimeout(timer);
    source.close();
  };
}

// Puts elements for `items` into `place`, in order, and leaves those alone that have not changed: what is read aloud,
// scrolled to or being typed into stays as it is.
export function arrange(place, items, key, make) {
  const before = new Map([...place.children].map((child) => [child.dataset.key, child]));
  let at = place.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    const look = JSON.stringify(item);
    let found = before.get(name);
    before.delete(name);
    if (!found || found.dataset.look !== look) {
      const made = make(item);
      made.dataset.key = name;
      made.dataset.look = look;
      if (found) {
        if (found === at) at = made;
        found.replaceWith(made);
      }
      found = made;
    }
    if (found === at) at = at.nextElementSibling;
    else place.insertBefore(found, at);
  }
  for (const left of before.values()) left.remove();
}

export function random(bytes = 18) {
  const drawn = crypto.getRandomValues(new Uint8Array(bytes));
  return btoa(String.fromCharCode(...drawn)).replaceAll("+", "-").replaceAll("/", "_");
}

// Whether the key belongs to an input method: Enter then takes what it offers. Safari tells it by 229 alone.
export function composing(event) {
  return event.isComposing || event.keyCode === 229;
}

export function inWords(name) {
  return name.replaceAll("_", " ");
}
