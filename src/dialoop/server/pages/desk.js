// The desk page: who waits, one conversation with all its details, and what an operator does with it.

import { Refused, arrange, clock, composing, el, follow, icon, inWords, paragraph, post, stepIcon } from "/pages/page.js";
import { t, why } from "/pages/words.js";

const $ = (id) => document.getElementById(id);
const begun = new Map();
let me = null;
let writer = null;
let queue = [];
let chosen = null;
let sight = null;
let work = fresh();
let stop = null;

// What the operator has begun to write in a conversation. It stays there while another conversation is looked at.
function fresh() {
  return { text: "", drafted: null, editing: null, correction: "", denying: null, reason: "" };
}

function textOf(one) {
  return one === work ? $("text").value : one.text;
}

function write(one, text) {
  one.text = text;
  if (one === work) $("text").value = text;
}

function turnTo(conversation) {
  work.text = textOf(work);
  if (!begun.has(conversation)) begun.set(conversation, fresh());
  work = begun.get(conversation);
  $("text").value = work.text;
  chosen = conversation;
  sight = null;
  $("lines").replaceChildren();
  saying("");
}

// acts

async function act(name, fields = {}) {
  try {
    const told = await post("/desk/acts", { act: name, conversation: chosen, ...fields });
    say(null);
    return told;
  } catch (refused) {
    if (refused.status === 401) return signedOut();
    const anyway = refused.code === "taken" && name === "take_over";
    say(refused.message, anyway ? t("take_anyway") : null, () => act("take_over", { from_other: true }));
    return null;
  }
}

function say(text, offer = null, does = null) {
  $("alert").hidden = text === null;
  $("alert-text").textContent = text ?? "";
  $("alert-do").hidden = offer === null;
  $("alert-do").textContent = offer ?? "";
  $("alert-do").onclick = does;
}

async function draft() {
  const mine = work;
  const before = textOf(mine);
  $("draft").disabled = true;
  $("hint").textContent = t("drafting");
  $("hint").hidden = false;
  try {
    const told = await post("/desk/drafts", { conversation: chosen });
    const put = () => {
      mine.drafted = told.draft;
      write(mine, told.draft);
      if (mine === work) $("text").focus();
    };
    const nothingTyped = before.trim() === "" || before === mine.drafted;
    if (nothingTyped && textOf(mine) === before) put();
    else if (mine === work) offer(put);
  } catch (refused) {
    say(refused.message);
  } finally {
    $("draft").disabled = false;
    showTalk();
  }
}

// Something was typed while the draft was made: the operator decides.
function offer(put) {
  say(t("draft_ready"), t("put_in"), () => {
    say(null);
    put();
    showTalk();
  });
}

async function send() {
  const mine = work;
  const typed = textOf(mine);
  const text = typed.trim();
  if (!text || $("send").disabled) return;
  $("send").disabled = true;
  try {
    const told = await (mine.drafted === null ? act("say", { text }) : act("send_draft", { draft: mine.drafted, text }));
    if (!told) return;
    mine.drafted = null;
    if (textOf(mine) === typed) write(mine, "");
  } finally {
    $("send").disabled = false;
    showTalk();
  }
}

// the queue

function waited(since) {
  const seconds = Math.max(0, Math.round((Date.now() - new Date(since)) / 1000));
  if (seconds < 60) return t("seconds", { n: seconds });
  return seconds < 3600 ? t("minutes", { n: Math.floor(seconds / 60) }) : t("hours", { n: Math.floor(seconds / 3600) });
}

function showQueue() {
  arrange($("queue"), queue.map((one) => ({ ...one, here: one.conversation === chosen })), (one) => one.conversation, place);
  for (const time of document.querySelectorAll("time.waited")) time.textContent = waited(time.dateTime);
  $("nobody").hidden = queue.length > 0;
  const waiting = queue.filter((one) => one.why !== "with_operator").length;
  document.title = waiting ? `(${waiting}) ${t("desk_title")}` : t("desk_title");
  $("queue-title").textContent = `${t("queue")} · ${waiting}`;
}

function place(one) {
  const mine = one.operator === me;
  const state = one.why === "with_operator" && mine ? t("with_me") : t(`why_${one.why}`, { name: one.operator ?? "" });
  const time = el("time", { className: "waited", dateTime: one.since, textContent: waited(one.since) });
  const calls = one.calls.map((call) => el("span", { className: "reason", textContent: inWords(call.name) }));
  const lines = one.last.map((line) => el("span", { className: "said", textContent: `${short(line)}: ${line.text}` }));
  const button = el(
    "button",
    { type: "button", className: `place ${one.why}`, "aria-current": String(one.here), on: { click: () => choose(one.conversation) } },
    el("span", { className: "top" }, el("span", { textContent: state }), el("span", {}, time)),
    one.reason && el("span", { className: "reason", textContent: why(one.reason) }),
    ...calls,
    ...lines,
  );
  return el("div", { role: "listitem" }, button);
}

function short(line) {
  return line.who === "operator" ? line.name : t(line.who);
}

// the conversation

function choose(conversation) {
  if (conversation === chosen) return;
  turnTo(conversation);
  location.hash = conversation ?? "";
  say(null);
  listen();
  showAll();
}

function showTalk() {
  $("desk").classList.toggle("in-talk", chosen !== null);
  $("choose").hidden = chosen !== null;
  $("talk").hidden = chosen === null;
  if (!sight) return;
  const scroll = $("scroll");
  const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80;
  const mine = sight.operator === me;
  $("who").textContent = `${inWords(sight.agent ?? "").replace(/^./, (first) => first.toUpperCase())} · ${sight.conversation.slice(-6)}`;
  $("phase").textContent = t(`phase_${sight.phase}`, { name: sight.operator ?? "" });
  $("doing").replaceChildren(...doing(mine));
  arrange($("lines"), sight.lines.map(withState), (line) => `${line.kind}${line.seq}${line.call_id ?? ""}`, lineOf);
  const over = ["closed", "erased"].includes(sight.phase);
  $("form").hidden = !mine || over;
  $("hint").textContent = over ? "" : !mine ? t("take_first") : work.drafted !== null ? t("drafted") : "";
  $("hint").hidden = $("hint").textContent === "";
  if (atEnd) scroll.scrollTop = scroll.scrollHeight;
}

function doing(mine) {
  const button = (word, does, className = "") => el("button", { type: "button", className, textContent: t(word), on: { click: does } });
  if (["closed", "erased"].includes(sight.phase)) return [];
  const close = [button("solved", () => act("close", { outcome: "solved" })), button("unsolved", () => act("close", { outcome: "unsolved" }))];
  if (mine) return [button("hand_back", () => act("hand_back"), "main"), ...close];
  return [button("take_over", () => act("take_over"), "main")];
}

// What a line looks like depends on more than the line: whether it is being edited or refused just now. Then it stays as
// it was when that began, so that what is being typed there stays too.
function withState(line) {
  const free = sight.phase !== "erased" && (sight.operator === null || sight.operator === me);
  if (line.kind === "said" && line.seq === work.editing?.seq) return { ...work.editing, editing: true };
  const waits = line.kind === "call" && line.step === "waiting";
  if (waits && line.call_id === work.denying?.call_id) return { ...work.denying, denying: true };
  return { ...line, free };
}

function lineOf(line) {
  if (line.kind === "note") {
    const reason = line.text ? ` (${why(line.text)})` : "";
    return el("div", { className: "line note" }, `${clock(line.at)} · ${t(`note_${line.what}`, { name: line.name ?? "" })}${reason}`);
  }
  return line.kind === "call" ? callOf(line) : saidOf(line);
}

function saidOf(line) {
  if (line.editing) return editorOf(line);
  const head = el("div", { className: "head" }, el("strong", { textContent: line.who === "operator" ? line.name : t(line.who) }), clock(line.at));
  const bubble = el("div", { className: "bubble" }, head, paragraph(line.text));
  if (line.original) bubble.append(el("div", { className: "original" }, el("div", { textContent: `${t("edited", { name: line.name ?? "" })}; ${t("original")}:` }), paragraph(line.original)));
  const under = el("div", { className: "under" });
  if (line.withdrawn) under.append(el("span", { className: "faint", textContent: t("withdrawn") }));
  if (line.rating) under.append(el("span", { className: "faint", textContent: t(line.rating > 0 ? "rated_good" : "rated_bad") }));
  if (line.who !== "customer" && line.free && !line.withdrawn) {
    under.append(el("button", { type: "button", className: "plain", on: { click: () => edit(line) } }, icon("edit"), t("edit")));
  }
  return el("div", { className: `line ${line.who}${line.withdrawn ? " withdrawn" : ""}` }, bubble, under);
}

function edit(line) {
  work.editing = line;
  work.correction = line.text;
  showTalk();
  document.querySelector(".editing textarea")?.focus();
}

function editorOf(line) {
  const mine = work;
  const area = el("textarea", { value: mine.correction, rows: Math.min(8, 2 + Math.floor(line.text.length / 60)), "aria-label": t("edited_answer") });
  area.addEventListener("input", () => (mine.correction = area.value));
  const leave = () => {
    mine.editing = null;
    showTalk();
  };
  const save = async () => {
    const text = area.value.trim();
    if (!text || text === line.text || (await act("edit", { said_at: line.seq, text }))) leave();
  };
  const row = el(
    "div",
    { className: "row" },
    el("button", { type: "button", textContent: t("cancel"), on: { click: leave } }),
    el("button", { type: "button", className: "main", textContent: t("save"), on: { click: save } }),
  );
  return el("div", { className: `line ${line.who}` }, el("div", { className: "editing" }, area, row));
}

function callOf(line) {
  const waits = line.step === "waiting";
  const state = t(`call_${line.step}`) + (line.by ? ` · ${line.by.replace(/^operator:/, "")}` : "");
  const card = el(
    "div",
    { className: `call ${line.step}` },
    el("div", { className: "top" }, stepIcon(line.step), el("strong", { textContent: inWords(line.name) }), el("span", { className: "state", textContent: state })),
    argumentsOf(line.arguments),
  );
  if (line.reason) card.append(el("div", { className: "faint", textContent: `${t("reason")}: ${line.reason}` }));
  if (line.result !== null) card.append(el("details", {}, el("summary", { textContent: t("result") }), el("pre", { textContent: pretty(line.result) })));
  if (waits && line.free) card.append(...(line.denying ? refusing(line) : deciding(line)));
  return el("div", { className: "line" }, card);
}

function deciding(line) {
  const approve = el("button", { type: "button", className: "main", on: { click: () => act("approve", { call_id: line.call_id }) } }, icon("done"), t("approve"));
  const deny = el("button", { type: "button", className: "bad", on: { click: () => refuse(line) } }, icon("failed"), t("deny"));
  return [el("div", { className: "row" }, approve, deny)];
}

function refuse(line) {
  work.denying = line;
  work.reason = "";
  showTalk();
  document.querySelector(".call input")?.focus();
}

function refusing(line) {
  const mine = work;
  const reason = el("input", { value: mine.reason, "aria-label": t("deny_reason"), placeholder: t("deny_reason"), maxLength: 500 });
  reason.addEventListener("input", () => (mine.reason = reason.value));
  const leave = () => {
    mine.denying = null;
    showTalk();
  };
  const deny = async () => {
    if (reason.value.trim() && (await act("deny", { call_id: line.call_id, reason: reason.value.trim() }))) leave();
  };
  const row = el(
    "div",
    { className: "row" },
    el("button", { type: "button", textContent: t("cancel"), on: { click: leave } }),
    el("button", { type: "button", className: "bad", textContent: t("deny"), on: { click: deny } }),
  );
  return [el("div", { className: "row" }, reason), row];
}

function argumentsOf(text) {
  let values;
  try {
    values = Object.entries(JSON.parse(text));
  } catch {
    return el("pre", { textContent: text });
  }
  const cells = values.flatMap(([name, value]) => [
    el("dt", { textContent: inWords(name) }),
    el("dd", { textContent: typeof value === "string" ? value : JSON.stringify(value) }),
  ]);
  return el("dl", {}, ...cells);
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

// following, and signing in

function listen() {
  stop?.();
  const of = chosen === null ? "" : `?conversation=${encodeURIComponent(chosen)}`;
  const conversation = chosen;
  stop = follow(`/desk/events${of}`, {
    on: {
      queue: (rows) => {
        queue = rows;
        showQueue();
      },
      sight: (seen) => {
        if (conversation !== chosen) return;
        sight = seen;
        showTalk();
      },
      saying,
    },
    state: (open) => {
      $("dot").classList.toggle("lost", !open);
      $("dot").title = open ? t("connected") : t("connecting");
      $("connection").textContent = open ? "" : t("connecting");
      if (open) saying("");
    },
    gone: (status) => (status === 401 ? signedOut() : choose(null)),
  });
}

function saying(words) {
  $("saying").textContent = words;
  $("writing").hidden = words === "";
}

function named() {
  try {
    return decodeURIComponent(location.hash.slice(1)) || null;
  } catch {
    return null;
  }
}

function showAll() {
  showQueue();
  showTalk();
}

async function signedOut() {
  stop?.();
  const who = await fetch("/desk/me").then((response) => response.json());
  me = who.operator;
  $("sign-in").hidden = me !== null;
  $("desk").hidden = $("sign-out").hidden = me === null;
  $("operator").textContent = me ?? "";
  $("with-password").hidden = !who.password;
  $("open-desk").hidden = who.password;
  if (me === null) return $("name").focus();
  if (me !== writer) {
    begun.clear();
    work = fresh();
    $("text").value = "";
    writer = me;
  }
  turnTo(named());
  listen();
  showAll();
}

for (const [id, word] of Object.entries({
  title: "desk_title", "name-label": "name", "password-label": "password", enter: "sign_in", "sign-out": "sign_out",
  "open-desk": "open_desk", nobody: "nobody", choose: "choose", label: "your_answer",
})) $(id).textContent = t(word);
$("text").placeholder = t("your_answer");
$("draft").append(icon("edit"), t("draft"));
$("send").append(icon("send"), t("send"));
$("back").append(icon("back"));
$("back").setAttribute("aria-label", t("back"));
$("back").addEventListener("click", () => choose(null));
$("alert-close").append(icon("failed"));
$("alert-close").addEventListener("click", () => say(null));
$("draft").addEventListener("click", draft);
$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
$("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.repeat && !composing(event)) send();
});
$("text").addEventListener("input", () => {
  if (!$("text").value) {
    work.drafted = null;
    showTalk();
  }
});
window.addEventListener("hashchange", () => me !== null && choose(named()));
$("sign-in-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await post("/desk/sign-in", { name: $("name").value.trim(), password: $("password").value });
    $("password").value = "";
    say(null);
    await signedOut();
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    say(refused.message);
  }
});
$("sign-out").addEventListener("click", async () => {
  await post("/desk/sign-out", {});
  signedOut();
});
setInterval(showQueue, 5000);
await signedOut();
