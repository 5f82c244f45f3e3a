// The chat page. The conversation lives on the server; here are its id, what was not sent yet, and what is shown.
// The browser keeps one conversation for each agent. Its tabs share what is kept, and one may be on an older conversation.

import { arrange, composing, el, follow, icon, inWords, paragraph, post, random, stepIcon } from "/pages/page.js";
import { lang, t } from "/pages/words.js";

const $ = (id) => document.getElementById(id);
const NONE = { id: null, opened: false };
let here = NONE;
let unkept = null;
let sight = null;
let agents = [];
let stop = null;

function place() {
  return `dialoop.chat.${chosen()?.name ?? ""}`;
}

// Other tabs write there too: it is read anew each time.
function read() {
  try {
    return { ...NONE, pending: [], ...(unkept ?? JSON.parse(localStorage.getItem(place()))) };
  } catch {
    return { ...NONE, pending: [] };
  }
}

function keep(change) {
  const kept = { ...read(), ...change };
  try {
    localStorage.setItem(place(), JSON.stringify(kept));
  } catch {
    unkept = kept; // private browsing: the conversation ends with the page
  }
}

// A conversation that another tab has begun is this tab's too, where it has none.
function adopt() {
  const { id, opened } = read();
  if (here.id === null || here.id === id) here = { id, opened: opened || here.opened };
  listen();
}

function name() {
  const agent = sight?.agent ?? chosen()?.name ?? "dialoop";
  return inWords(agent);
}

function chosen() {
  const wanted = asked();
  return wanted === null ? agents[0] : agents.find((agent) => agent.name === wanted);
}

function asked() {
  return new URLSearchParams(location.search).get("agent");
}

// what is shown

function showAll() {
  const atEnd = $("scroll").scrollHeight - $("scroll").scrollTop - $("scroll").clientHeight < 80;
  document.title = $("title").textContent = name();
  const lines = sight?.lines ?? [];
  arrange($("lines"), lines.length ? lines : [{ kind: "greeting" }], (line) => `${line.kind}${line.seq}`, shown);
  const said = lines.filter((line) => line.kind === "said");
  const mine = read().pending.filter((one) => one.conversation === here.id);
  const unseen = mine.filter((one) => !said.some((line) => line.seq > one.after && line.text.trim() === one.text));
  arrange($("pending"), unseen, (one) => one.key, pendingLine);
  const last = lines.filter((line) => line.kind !== "note").at(-1);
  const phase = sight?.phase ?? "open";
  const waits = last !== undefined && ((last.kind === "said" && last.who === "customer") || ["returned", "started", "requested", "approved"].includes(last.step));
  const words = $("saying").textContent;
  $("dots").hidden = words !== "";
  $("writing").hidden = words === "" && !((waits || unseen.some((one) => !one.failed)) && ["open", "asked"].includes(phase));
  const over = ["closed", "erased"].includes(phase) || !chosen();
  $("form").hidden = over;
  const person = $("person");
  person.disabled = phase !== "open" || !sight;
  person.hidden = over;
  const told = phase === "asked" ? t("person_asked") : phase === "with_operator" ? t("person_here", { name: sight.operator }) : t("person");
  person.replaceChildren(icon("person"), told);
  $("anew").hidden = !sight;
  if (atEnd) $("scroll").scrollTop = $("scroll").scrollHeight;
}

function shown(line) {
  if (line.kind === "greeting") return greeting();
  if (line.kind === "note") {
    return el("div", { className: "line note" }, t(`note_${line.what}`, { name: line.name ?? "" }));
  }
  if (line.kind === "call") {
    const told = `${inWords(line.name)} · ${t(`call_${line.step}`)}`;
    return el("div", { className: "line" }, el("span", { className: `call ${line.step}` }, stepIcon(line.step), told));
  }
  return saidLine(line);
}

function greeting() {
  if (chosen()) return el("p", { className: "greeting", textContent: chosen().greeting || t("hello") });
  const links = agents.map((agent) => el("a", { href: `?${new URLSearchParams({ agent: agent.name, lang })}`, textContent: inWords(agent.name) }));
  const told = el("p", { textContent: t("no_agent", { name: asked() ?? "" }) });
  return el("div", { className: "greeting" }, told, ...links.map((link) => el("p", {}, link)));
}

function saidLine(line) {
  const bubble = el("div", { className: "bubble" });
  if (line.who === "operator") bubble.append(el("div", { className: "who", textContent: line.name }));
  else bubble.append(el("span", { className: "unseen", textContent: `${t(line.who)}: ` }));
  bubble.append(paragraph(line.text));
  const made = el("div", { className: `line ${line.who}` }, bubble);
  if (line.who === "agent") {
    const under = el("div", { className: "under" }, thumb(line, 1), thumb(line, -1));
    if (line.original !== null) under.append(el("span", { className: "faint", textContent: t("edited", { name: line.name ?? "" }) }));
    made.append(under);
  }
  return made;
}

function thumb(line, score) {
  const word = score > 0 ? "good" : "bad";
  const pressed = line.rating !== null && Math.sign(line.rating) === score;
  return el(
    "button",
    {
      type: "button",
      className: score > 0 ? "plain up" : "plain down",
      title: t(word),
      "aria-label": t(word),
      "aria-pressed": String(pressed),
      on: { click: () => done(post("/chat/ratings", { conversation: here.id, said_at: line.seq, score: pressed ? 0 : score })) },
    },
    icon(word),
  );
}

function pendingLine(one) {
  const line = el("div", { className: "line customer pending" }, el("div", { className: "bubble" }, paragraph(one.text)));
  if (one.failed) {
    const retry = el("button", { type: "button", className: "plain", textContent: t("again"), on: { click: () => send(one) } });
    line.append(el("div", { className: "under" }, el("span", { className: "faint", textContent: t("not_sent") }), retry));
  }
  return line;
}

// what is done

async function done(promise) {
  try {
    await promise;
    $("status").textContent = "";
  } catch (refused) {
    $("status").textContent = refused.message;
  }
}

function say(text) {
  adopt();
  if (here.id === null) {
    here = { id: `chat-${random()}`, opened: false };
    keep(here);
  }
  const one = { conversation: here.id, key: random(), text, after: sight?.seq ?? 0, failed: false };
  keep({ pending: [...read().pending, one] });
  $("scroll").scrollTop = $("scroll").scrollHeight;
  send(one);
}

async function send(one) {
  change(one, { failed: false });
  try {
    await post("/chat/messages", { agent: sight?.agent ?? chosen()?.name ?? "", conversation: one.conversation, text: one.text, key: one.key, lang });
    const { id, pending } = read();
    keep({ pending: pending.filter((other) => other.key !== one.key), ...(id === one.conversation && { opened: true }) });
    if (here.id === one.conversation) here = { ...here, opened: true };
    $("status").textContent = "";
    listen();
  } catch (refused) {
    change(one, { failed: true });
    if (one.conversation === here.id) $("status").textContent = refused.message;
  }
  showAll();
}

function change(one, to) {
  keep({ pending: read().pending.map((other) => (other.key === one.key ? { ...other, ...to } : other)) });
  showAll();
}

function listen() {
  if (stop || !here.id || !here.opened) return;
  stop = follow(`/chat/events?conversation=${encodeURIComponent(here.id)}`, {
    on: {
      sight: (seen) => {
        sight = seen;
        showAll();
      },
      saying: (words) => {
        $("saying").textContent = words;
        showAll();
      },
    },
    state: (open) => {
      $("dot").classList.toggle("lost", !open);
      $("dot").title = open ? t("connected") : t("connecting");
      $("status").textContent = open ? "" : t("connecting");
      if (open) $("saying").textContent = "";
    },
    gone: () => {
      leave();
      adopt();
      showAll();
    },
  });
}

function leave() {
  stop?.();
  stop = null;
  sight = null;
  const { id, pending } = read();
  keep({ pending: pending.filter((one) => one.conversation !== here.id), ...(id === here.id && NONE) });
  here = NONE;
  $("saying").textContent = $("status").textContent = "";
  $("dot").classList.remove("lost");
}

function anew() {
  leave();
  keep(NONE);
  showAll();
  $("text").focus();
}

function grow() {
  $("text").style.height = "auto";
  $("text").style.height = `${$("text").scrollHeight + 2}px`;
}

// the beginning

$("label").textContent = t("your_message");
$("text").placeholder = t("placeholder");
$("send").append(icon("send"), el("span", { className: "word", textContent: t("send") }));
$("send").setAttribute("aria-label", t("send"));
$("anew").append(icon("anew"), el("span", { className: "word", textContent: t("anew") }));
$("anew").setAttribute("aria-label", t("anew"));
$("anew").addEventListener("click", anew);
$("person").addEventListener("click", () => done(post("/chat/person", { conversation: here.id })));
$("text").addEventListener("input", grow);
$("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !composing(event)) {
    event.preventDefault();
    $("form").requestSubmit();
  }
});
$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  if (!text || !chosen()) return;
  $("text").value = "";
  grow();
  say(text);
});

agents = (await fetch("/chat/about").then((response) => response.json())).agents;
adopt();
showAll();
window.addEventListener("storage", (event) => {
  if (event.key !== null && event.key !== place()) return;
  adopt();
  showAll();
});
if (chosen()) for (const one of read().pending) send(one);
