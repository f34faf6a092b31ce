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
    rate_limited: () => ["The board is asked too much.", `Somebody disturbs it, or your token is wrong. ${RETRY}`],
    misdirected: (detail) => ["The board does not know itself by this address.", `It says: ${detail}.`],
  },
  late: ["The board did not take this page's signature.", `Many use it now, or somebody disturbs the Wi-Fi. ${RETRY}`],
  noEntry: (detail) => ["The board does not accept your token.", `It says: ${detail}. ${OTHER}`],
  notNow: (detail) => ["The board cannot do this now.", `It says: ${detail}. ${RETRY}`],
  // By its code for a command that it did not carry out.
  command: {
    too_soon: (label, { retry_ms }) => `${label} changed a moment ago. Wait ${duration(retry_ms)}.`,
    interlocked: (label, { detail }) => `Not done: ${detail}. Switch the other one off first.`,
    insufficient_scope: (label) => `Your token does not let you switch ${label}.`,
    replayed: (label) => `The board's answer was lost. See what ${label} shows before you try again.`,
    stale_nonce: (label) => `${label}: not done, the signature came too late. Try again.`,
    created_out_of_window: (label) => `${label}: not done, the board's clock was changed. Try again.`,
  },
  notDone: (label, { detail }) => `${label}: the board refused. ${detail}.`,
  notKnown: (label) => `No answer: nobody knows whether that reached ${label}.`,
};

const KEY = "pinwarden.token"; // in localStorage, which each origin has for itself
const GUESS = "A".repeat(16); // a challenge of no board: the answer to a signed request has its own
const LATE = ["stale_nonce", "created_out_of_window", "replayed"]; // refusals of a signature, not of the token
// Milliseconds.
const POLL = 2000;
const RECHECK = 30000; // of a token that was refused: the board's clock may be put right
const TIMEOUT = 6000;
const NOTE = 6000;
const WINDOW = 300000; // that a signature's time may be from the board's

const $ = (id) => document.getElementById(id);
const rows = new Map(); // a pin's name -> what shows it
let token = null;
let challenge = null; // the board's, for the next signatures
let ahead = 0; // the board's clock, less this one: milliseconds
let stale = true; // what is shown is not what the board said just now
let misses = 0; // requests in a row without an answer
let commands = 0; // their beginnings and ends: an answer from before one is old
let looking = false;
let nextLook = 0;
let noteEnds = Infinity;

function tokenIn(text) {
  const word = text.replace(/\s/g, "").replace(/.*#token=/, "");
  // The last segment is an HS256 signature: 32 octets.
  return word.length <= 2048 && /^[\w-]+\.[\w-]+\.[\w-]{43}$/.test(word) ? word : null;
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
    return JSON.parse(new TextDecoder().decode(fromBase64url(token.split(".")[1]))) || {};
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

async function send(method, path, headers, body) {
  const options = { method, headers, body, signal: AbortSignal.timeout(TIMEOUT), redirect: "error" };
  const answer = await fetch(path, options);
  return [answer, await answer.json()];
}

/** Ask the board, by a signed request. What it has not answered may have been done, and is never sent again. */
async function ask(method = "GET", path = "", body) {
  const mine = token; // the user may change it meanwhile
  path = "/api/v1/pins" + path;
  for (let again = true; ; again = false) {
    if (!challenge) {
      const [, data] = await send("GET", "/api/v1/challenge");
      learn(data.nonce || GUESS, data.now);
    }
    const signed = [challenge, ahead];
    const [answer, data] = await send(method, path, sign(mine, method, path, body), body);
    if (!LATE.includes(data.code)) return [answer.status, data];
    learn(/ nonce="([^"]+)"/.exec(answer.headers.get("WWW-Authenticate"))?.[1], data.now);
    // Not carried out; sign again, once. But only what cannot make two good commands of one, whoever answered.
    const isOther = challenge && (challenge !== signed[0] || Math.abs(ahead - signed[1]) > WINDOW);
    if (!again || (method !== "GET" && !isOther)) return [answer.status, data];
  }
}

function learn(nonce, now) {
  challenge = nonce;
  if (now) ahead = now * 1000 - Date.now();
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
  if (LATE.includes(code)) {
    setStale(TEXT.late);
    return POLL;
  }
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

// Signed requests, as docs/signed-requests.md defines them: the token's signature is the key, and stays here.

/** The header fields of a signed request. */
function sign(token, method, path, body = "") {
  const [, head, key] = /(.+)\.(.+)/.exec(token);
  const authorization = "Pinwarden " + head;
  const digest = `sha-256=:${toBase64(sha256(utf8(body)))}:`;
  const created = Math.max(1e9, Math.floor((Date.now() + ahead) / 1000)); // ten digits, whatever clocks say
  const own = toBase64(crypto.getRandomValues(new Uint8Array(12))).replace(/\+/g, "-").replace(/\//g, "_");
  const params =
    '("@method" "@authority" "@path" "@query" "authorization" "content-digest")' +
    `;created=${created};keyid="token";alg="hmac-sha256";nonce="${challenge}.${own}";tag="pinwarden"`;
  const base = [
    `"@method": ${method}`,
    `"@authority": ${location.host}`,
    `"@path": ${path}`,
    `"@query": ?`,
    `"authorization": ${authorization}`,
    `"content-digest": ${digest}`,
    `"@signature-params": ${params}`,
  ].join("\n");
  return {
    Authorization: authorization,
    "Content-Type": "application/json",
    "Content-Digest": digest,
    "Signature-Input": "pw=" + params,
    Signature: `pw=:${toBase64(hmacSha256(fromBase64url(key), utf8(base)))}:`,
  };
}

const utf8 = (text) => new TextEncoder().encode(text);
const toBase64 = (octets) => btoa(String.fromCharCode(...octets));

function fromBase64url(text) {
  return Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt());
}

/** HMAC-SHA-256 (RFC 2104). Here and below: octets in, octets out. A browser has its own on https:// only. */
function hmacSha256(key, message) {
  const block = new Uint8Array(64);
  block.set(key.length > 64 ? sha256(key) : key);
  const keyed = (mask, octets) => {
    const input = new Uint8Array(64 + octets.length);
    input.set(block.map((octet) => octet ^ mask));
    input.set(octets, 64);
    return sha256(input);
  };
  return keyed(0x5c, keyed(0x36, message));
}

// SHA-256's constants (FIPS 180-4, 4.2.2 and 5.3.3): 32 bits of the fractions of roots of the first primes.
const PRIMES = [];
for (let n = 2; PRIMES.length < 64; n++) if (PRIMES.every((prime) => n % prime)) PRIMES.push(n);
const ROUND = PRIMES.map((prime) => ((Math.cbrt(prime) % 1) * 2 ** 32) | 0);
const INITIAL = PRIMES.slice(0, 8).map((prime) => ((Math.sqrt(prime) % 1) * 2 ** 32) | 0);

function sha256(message) {
  // Padded (5.1.1): a bit, zeros, and the length in bits at the end of the last block.
  const padded = new Uint8Array(((message.length + 72) >> 6) << 6);
  padded.set(message);
  padded[message.length] = 0x80;
  const words = new DataView(padded.buffer);
  words.setUint32(padded.length - 4, message.length * 8);

  const rotate = (word, by) => (word >>> by) | (word << (32 - by));
  const mixed = (word, i, j, k) => rotate(word, i) ^ rotate(word, j) ^ k;
  const hash = Int32Array.from(INITIAL);
  const w = new Int32Array(64);
  for (let at = 0; at < padded.length; at += 64) {
    let [a, b, c, d, e, f, g, h] = hash;
    for (let t = 0; t < 64; t++) {
      const x = w[t - 15];
      const y = w[t - 2];
      if (t < 16) w[t] = words.getInt32(at + 4 * t);
      else w[t] = w[t - 16] + mixed(x, 7, 18, x >>> 3) + w[t - 7] + mixed(y, 17, 19, y >>> 10);
      const t1 = h + mixed(e, 6, 11, rotate(e, 25)) + ((e & f) ^ (~e & g)) + ROUND[t] + w[t];
      const t2 = mixed(a, 2, 13, rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
      h = g;
      g = f;
      f = e;
      e = (d + t1) | 0;
      d = c;
      c = b;
      b = a;
      a = (t1 + t2) | 0;
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => (hash[i] += word));
  }
  const octets = new DataView(new ArrayBuffer(32));
  hash.forEach((word, i) => octets.setInt32(4 * i, word));
  return new Uint8Array(octets.buffer);
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
takeFromAddress() || begin(tokenIn(stored() || ""));
