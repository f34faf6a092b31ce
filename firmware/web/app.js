"use strict";

// Every word of the page. A pair is what is wrong, and what to do about it.
const OTHER = "Ask the owner for another one.";
const RETRY = "It is tried again by itself.";
const TEXT = {
  paste: "Your token, or its link",
  pasteHint: "It stays in this browser and goes to this board only.",
  use: "Use this token",
  forget: "Forget this token",
  forgotten: "The token is forgotten.",
  on: "On",
  off: "Off",
  pulse: "Pulse",
  again: (state, next, left) => `${state}, ${next.toLowerCase()} again in ${left}`,
  before: (state) => "Last seen " + state.toLowerCase(),
  readOnly: (state) => state + " · look only",
  holder: (who, until) => (who ? `${who}, until ` : "Good until ") + until,
  someday: "a day far off",
  back: "The board answers again.",
  noPins: ["No pin of this board is for your token.", OTHER],
  noToken: ["This board asks for a token.", "Open the link or scan the code that you got, or paste it here."],
  notToken: ["That is no token.", "A token is one long word with two dots in it. Copy it whole."],
  noAnswer: ["The board does not answer.", `Is it on, and are you in its Wi-Fi? ${RETRY}`],
  // By the board's reason for not taking a token, or else its code for not answering.
  trouble: {
    expired: (when) => ["Your token has expired.", `It was good until ${when}. ${OTHER}`],
    not_yet_valid: (when) => ["Your token is not valid yet.", `It will be on ${when}, by the board's clock. ${RETRY}`],
    revoked: () => ["Your token was withdrawn.", OTHER],
    signature: () => ["Your token was not made for this board, or was changed.", `No key here fits. ${OTHER}`],
    audience: () => ["Your token is for another board.", "Open the link that belongs to this one."],
    insufficient_scope: (detail) => ["Your token does not let you see pins.", `The board says: ${detail}. ${OTHER}`],
    clock_unset: () => ["The board does not know the time yet.", `Until it does, it lets nobody in. ${RETRY}`],
    safe_mode: () => ["The board is in safe mode.", "Its settings have a fault; /healthz names it. All pins are safe."],
    misdirected: (detail) => ["The board does not know itself by this address.", `It says: ${detail}.`],
  },
  noEntry: (detail) => ["The board does not accept your token.", `It says: ${detail}. ${OTHER}`],
  notNow: (detail) => ["The board cannot do this now.", `It says: ${detail}. ${RETRY}`],
  // By its code for a command that it did not carry out.
  command: {
    too_soon: (label, { retry_ms }) => `${label} changed a moment ago. Wait ${duration(retry_ms)}.`,
    interlocked: (label, { detail }) => `Not done: ${detail}. Switch the other one off first.`,
    insufficient_scope: (label) => `Your token does not let you switch ${label}.`,
  },
  notDone: (label, { detail }) => `${label}: the board refused. ${detail}.`,
  notKnown: (label) => `No answer: nobody knows whether that reached ${label}.`,
};

const KEY = "pinwarden.token"; // in localStorage, which each origin has for itself
// Milliseconds.
const POLL = 2000;
const RECHECK = 30000; // of a token that was refused: the board's clock may be put right
const TIMEOUT = 6000;
const NOTE = 6000;

const $ = (id) => document.getElementById(id);
const rows = new Map(); // a pin's name -> what shows it
let token = null;
let stale = true; // what is shown is not what the board said just now
let misses = 0; // requests in a row without an answer
let commands = 0; // their beginnings and ends: an answer from before one is old
let looking = false;
let nextLook = 0;
let noteEnds = Infinity;

function tokenIn(text) {
  const word = text.replace(/\s/g, "").replace(/.*#token=/, "");
  return word.length <= 2048 && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(word) ? word : null;
}

/** What is kept for the next visit, after a change by `change(storage)`. */
function stored(change) {
  try {
    change?.(localStorage);
    return localStorage.getItem(KEY);
  } catch {
    return null; // switched off: the token lasts as long as the page
  }
}

function keep(value) {
  stored((storage) => storage.setItem(KEY, value));
}

/** Take the token from the address, if there is one, and at once out of it: addresses are copied and photographed. */
function takeFromAddress() {
  if (!location.hash.startsWith("#token=")) return false;
  const found = tokenIn(location.hash);
  history.replaceState(null, "", location.pathname);
  // A link must not throw away a good token: one that is kept already is replaced once the board has taken the new one.
  if (found && !stored()) keep(found);
  begin(found, TEXT.notToken);
  return true;
}

/** What the token says of itself. Until the board has taken it, good for words only. */
function claims() {
  try {
    const octets = atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"));
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(octets, (c) => c.charCodeAt()))) || {};
  } catch {
    return {};
  }
}

function begin(value, trouble = TEXT.noToken) {
  token = value;
  commands++;
  misses = 0;
  rows.clear();
  $("pins").replaceChildren();
  $("holder").textContent = "";
  $("pins").hidden = $("forget").hidden = !token;
  $("entry").hidden = token;
  tell(token ? undefined : trouble);
  look();
}

async function ask(method = "GET", path = "", body) {
  const headers = { Authorization: "Bearer " + token, "Content-Type": "application/json" };
  const options = { method, headers, body, signal: AbortSignal.timeout(TIMEOUT), redirect: "error" };
  const answer = await fetch("/api/v1/pins" + path, options);
  return [answer.status, await answer.json()];
}

/** Ask the board for everything, and again in a while. */
async function look() {
  clearTimeout(nextLook);
  if (!token || document.hidden || looking) return;
  looking = true;
  const before = commands;
  let wait = POLL;
  try {
    const [status, data] = await ask();
    if (before !== commands) wait = 0; // overtaken
    else if (status === 200) {
      if (stored() !== token) keep(token);
      show(data.pins);
    }
    else wait = refused(status, data);
    if (misses > 1) note(TEXT.back);
    misses = 0;
  } catch {
    misses++;
    if (misses === 1) wait = 500; // a phone that wakes up often loses its first request
    else setStale(TEXT.noAnswer);
  }
  looking = false;
  nextLook = setTimeout(look, wait);
}

/** Say why the board answers nothing but this; return when to ask again. */
function refused(status, { code, reason, detail }) {
  const { exp, nbf, iat } = claims();
  const when = { expired: exp, not_yet_valid: nbf ?? iat }[reason];
  const words = TEXT.trouble[reason || code] || (status === 401 ? TEXT.noEntry : TEXT.notNow);
  setStale(words(when ? moment(when) : detail));
  if (status !== 401 && code !== "insufficient_scope") return POLL;
  $("pins").hidden = true;
  $("entry").hidden = false;
  return RECHECK;
}

async function command(row, method, path, value) {
  if (stale || row.busy) return;
  const asked = token;
  const { label } = row.pin;
  let said = "";
  row.busy = true;
  commands++;
  draw(row);
  try {
    const [status, data] = await ask(method, "/" + path, JSON.stringify(value));
    if (status === 200) update(row, data);
    else said = (TEXT.command[data.code] || TEXT.notDone)(label, data);
  } catch {
    said = TEXT.notKnown(label);
  }
  row.busy = false;
  if (asked !== token) return;
  commands++;
  draw(row);
  note(said);
  if (said) look();
}

function setStale(trouble) {
  stale = true;
  $("pins").classList.add("stale");
  rows.forEach(draw);
  tell(trouble);
}

function show(pins) {
  const { aud, sub, exp } = claims();
  $("name").textContent = document.title = typeof aud === "string" ? aud : location.hostname;
  $("holder").textContent = TEXT.holder(sub, moment(exp));
  stale = false;
  const shown = new Map(pins.map((pin) => [pin.name + pin.kind + pin.writable, pin]));
  for (const [key, row] of rows) {
    if (shown.has(key)) continue;
    row.item.remove();
    rows.delete(key);
  }
  for (const [key, pin] of shown) {
    if (!rows.has(key)) rows.set(key, makeRow(pin));
    update(rows.get(key), pin);
  }
  $("pins").classList.remove("stale");
  $("pins").hidden = false;
  $("entry").hidden = true;
  tell(pins.length ? undefined : TEXT.noPins);
}

function makeRow({ name, kind, writable }) {
  const add = (parent, tag, className) => {
    return Object.assign(parent.appendChild(document.createElement(tag)), { className });
  };
  const item = add($("pins"), "li", "");
  const control = add(item, writable ? "button" : "div", "pin");
  const said = add(control, "span", "said");
  const row = { item, control, label: add(said, "span", "label"), state: add(said, "span", "state") };
  if (!writable) return row;
  for (const part of ["label", "state"]) row[part].id = part + "-" + name;
  control.setAttribute("aria-labelledby", row.label.id);
  control.setAttribute("aria-describedby", row.state.id);
  if (kind === "pulse") {
    add(control, "span", "pill").textContent = TEXT.pulse;
    control.onclick = () => command(row, "POST", name + "/pulse", {});
  } else {
    add(control, "span", "knob");
    control.setAttribute("role", "switch");
    // The opposite of what is seen, not "toggle": what somebody else switched meanwhile is not undone.
    control.onclick = () => command(row, "PUT", name, { value: !row.pin.value });
  }
  return row;
}

function update(row, pin) {
  row.pin = pin;
  row.ends = pin.remaining_ms === undefined ? null : performance.now() + pin.remaining_ms;
  draw(row);
}

function draw(row) {
  const { pin, control, ends } = row;
  const [state, next] = pin.value ? [TEXT.on, TEXT.off] : [TEXT.off, TEXT.on];
  let text = state;
  if (stale) text = TEXT.before(state);
  else if (ends !== null) text = TEXT.again(state, next, duration(ends - performance.now()));
  setText(row.label, pin.label);
  setText(row.state, pin.writable ? text : TEXT.readOnly(text));
  control.classList.toggle("active", pin.value);
  if (!pin.writable) return;
  if (pin.kind !== "pulse") control.setAttribute("aria-checked", pin.value);
  control.setAttribute("aria-busy", Boolean(row.busy));
  control.setAttribute("aria-disabled", stale); // not `disabled`, which would take the keyboard's focus away
}

function tick() {
  if (performance.now() > noteEnds) note("");
  for (const row of rows.values()) {
    if (row.ends === null || stale) continue;
    if (performance.now() > row.ends) {
      row.ends = null;
      look(); // only the board knows
    }
    draw(row);
  }
}

function tell([what, remedy] = ["", ""]) {
  $("trouble").hidden = !what;
  setText($("what"), what);
  setText($("remedy"), remedy);
}

function note(text) {
  setText($("note"), text);
  noteEnds = performance.now() + NOTE;
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text; // else a screen reader says it again
}

function moment(unix) {
  const date = new Date(unix * 1000);
  if (!(date.getTime() < 1e14)) return TEXT.someday;
  return date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

function duration(ms) {
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  if (seconds < 60) return seconds + " s";
  return Math.floor(seconds / 60) + ":" + String(seconds % 60).padStart(2, "0") + " min";
}

for (const node of document.querySelectorAll("[data-text]")) node.textContent = TEXT[node.dataset.text];

$("entry").onsubmit = (event) => {
  event.preventDefault();
  const found = tokenIn($("pasted").value);
  if (!found) return tell(TEXT.notToken);
  $("pasted").value = "";
  stored((storage) => storage.setItem(KEY, found));
  begin(found);
};

$("forget").onclick = () => {
  stored((storage) => storage.removeItem(KEY));
  begin(null);
  note(TEXT.forgotten);
  $("pasted").focus();
};

addEventListener("hashchange", takeFromAddress);
addEventListener("visibilitychange", look);
addEventListener("online", look);
addEventListener("storage", (event) => event.key === KEY && begin(event.newValue)); // another tab's doing
setInterval(tick, 250);
takeFromAddress() || begin(stored());
