"use strict";

// What the board is asked, and how it is followed: by its stream of events, or else by asking again and again.

const GUESS = "A".repeat(16); // a challenge of no board: the answer to a signed request has its own
const LATE = ["stale_nonce", "created_out_of_window", "replayed"]; // refusals of a signature, not of the token
// Milliseconds.
const POLL = 800; // two phones are in step within a second
const RECHECK = 30000; // of what was refused: a clock may be put right, a stream of somebody else may end
const DEAF = 300000; // when a stream was opened, and nothing came through it
const SILENCE = 2750; // after which the board counts as gone: its stream beats every second; told within three
const TIMEOUT = 5000;
const RETRY = 500; // and up to 4000, after each failure

let challenge = null; // the board's, for the next signatures
let ahead = 0; // the board's clock, less this one
let stale = true; // what is shown is not what the board said just now
let lost = false; // the board does not answer
let due = Infinity; // by then it has to be heard from
let told = 0; // when it was, by the clock that goes on while a phone sleeps
let pollUntil = 0; // the stream is not tried before
let commands = 0; // their beginnings and ends: an answer from before one is old
let following = new AbortController();
let wake = () => {}; // ends the pause before the next question

async function send(method, path, headers, body, signal = AbortSignal.timeout(TIMEOUT)) {
  const answer = await fetch(path, { method, headers, body, signal, redirect: "error" });
  const isStream = /^text\/event-stream/.test(answer.headers.get("Content-Type"));
  return [answer, isStream ? answer.body : await answer.json()];
}

/**
 * Ask the board, by a signed request; `path` is what comes behind /api/v1, with the query, `value` the body.
 * Return [status, answer], of a stream the stream. Throws where there is no answer. What was not answered may have
 * been done, and is never sent again.
 */
async function ask(method, path, value, signal) {
  const mine = token; // the user may change it meanwhile
  const body = value && JSON.stringify(value);
  path = "/api/v1" + path;
  for (let again = true; ; again = false) {
    if (!challenge) {
      const [, data] = await send("GET", "/api/v1/challenge", {}, undefined, signal);
      learn(data.nonce || GUESS, data.now);
    }
    const signed = challenge;
    const [answer, data] = await send(method, path, sign(mine, method, path, body), body, signal);
    if (!LATE.includes(data.code)) return [answer.status, data];
    learn(/ nonce="([^"]+)"/.exec(answer.headers.get("WWW-Authenticate"))?.[1], data.now);
    // Not carried out; sign again, once. But no command twice under one challenge: those were two good commands.
    if (!again || (method !== "GET" && (!challenge || challenge === signed))) return [answer.status, data];
  }
}

function learn(nonce, now) {
  challenge = nonce;
  if (now) ahead = now * 1000 - Date.now();
}

/** The board's clock, as Unix seconds. */
const boardTime = () => Math.floor((Date.now() + ahead) / 1000);

/** Follow anew after a pause. What a phone showed before it slept is not passed off as what is. */
function awake() {
  if (!stale && !document.hidden && Date.now() > told + SILENCE) setStale();
  follow();
}

/** Show what the board tells, from now until another token is used or nobody looks. */
async function follow() {
  following.abort();
  following = new AbortController();
  const { signal } = following;
  expect(lost ? TIMEOUT : SILENCE);
  for (let misses = 0; token && !document.hidden && !signal.aborted; ) {
    let wait = 0;
    try {
      wait = await (performance.now() < pollUntil ? look(signal) : listen(signal));
      misses = 0;
    } catch {
      if (signal.aborted) return;
      if (misses++) lose(); // but a phone that wakes up often loses its first request
      wait = Math.min(RETRY * misses, 8 * RETRY);
      if (lost) expect(wait + TIMEOUT);
    }
    await Promise.race([sleep(wait), new Promise((resolve) => (wake = resolve))]);
  }
}

/** Have the board's events shown as they come; return how long to wait when they end. */
async function listen(signal) {
  const [status, data] = await ask("GET", "/events", undefined, signal);
  pollUntil = performance.now() + (status === 200 ? DEAF : RECHECK);
  if (status !== 200) return 0; // ask for the pins instead, or be told why not
  const reader = data.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; ; ) {
    const { done, value } = await reader.read();
    if (done || signal.aborted) return 0; // somebody else has got it, or tokens are to be judged anew
    pollUntil = performance.now() + RECHECK;
    heard(SILENCE);
    const events = (text + value).split("\n\n");
    text = events.pop();
    for (const event of events) {
      const [, name, told] = /^event: (\w+)\ndata: ([^\n]+)/.exec(event) ?? []; // else it is a beat
      if (name === "pins") accepted(JSON.parse(told).pins);
      if (name === "pin") changed(JSON.parse(told));
    }
  }
}

/** Ask for all pins, once; return how long to wait before the next time. */
async function look(signal) {
  const before = commands;
  const [status, data] = await ask("GET", "/pins", undefined, signal);
  if (signal.aborted) return 0;
  let wait = POLL;
  if (before !== commands) wait = 0; // overtaken
  else if (status === 200) accepted(data.pins);
  else wait = refused(status, data);
  heard(wait > POLL ? wait + SILENCE : SILENCE);
  return wait;
}

/** The board takes the token, and has these pins. */
function accepted(pins) {
  if (kept[0] !== token) keep(token);
  show(pins);
}

/** Say why the board answers nothing but this; return when to ask again. */
function refused(status, { code, reason, detail }) {
  const { exp, nbf, iat } = claimsIn(token);
  const when = { expired: exp, not_yet_valid: nbf ?? iat }[reason];
  if (LATE.includes(code)) {
    setStale(TEXT.late);
    return POLL;
  }
  const words = TEXT.trouble[reason || code] || (status === 401 ? TEXT.noEntry : TEXT.notNow);
  setStale(words(when ? moment(when) : detail));
  if (code === "insufficient_scope") {
    // A good token: an owner need not see pins.
    if (kept[0] !== token) keep(token);
    $("pins").hidden = true;
    showOwner(scopesOf(claimsIn(token)));
  } else if (status === 401) showEntry();
  else return POLL;
  return RECHECK;
}

function expect(ms) {
  due = performance.now() + ms;
}

function heard(ms) {
  expect(ms);
  told = Date.now();
  if (!lost) return;
  lost = false;
  note(TEXT.back);
}

function lose() {
  lost = true;
  if (pollUntil < performance.now() + RECHECK) pollUntil = 0; // who had the streams may be gone, too
  setStale(navigator.onLine ? TEXT.noAnswer : TEXT.offline);
}

/** Notice a silence: a connection that broke says nothing. */
function watch() {
  if (!token || document.hidden || performance.now() < due) return;
  lose();
  follow();
}
