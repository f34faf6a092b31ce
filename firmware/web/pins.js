"use strict";

// The list of pins: what each shows, and what comes of a command.

const rows = new Map(); // by what makes a pin need another row
const keyOf = ({ name, kind, writable, confirm, min, max }) => JSON.stringify([name, kind, writable, confirm, min, max]);

/** Show the pins that the board has told, all of them. */
function show(pins) {
  stale = false;
  const keys = pins.map(keyOf);
  for (const [key, row] of rows) {
    if (keys.includes(key)) continue;
    row.item.remove();
    rows.delete(key);
  }
  for (const pin of pins) {
    if (!rows.has(keyOf(pin))) rows.set(keyOf(pin), makeRow(pin));
    update(rows.get(keyOf(pin)), pin);
  }
  $("pins").classList.remove("stale");
  $("pins").hidden = false;
  $("entry").hidden = true;
  tell(pins.length ? undefined : TEXT.noPins);
  showHolder();
  showOwner(scopesOf(claimsIn(token)));
}

/** Show one pin's change. */
function changed(pin) {
  const row = rows.get(keyOf(pin));
  if (!row) follow(); // a pin that was not among them: begin anew
  else if (row.busy) row.missed = pin;
  else update(row, pin);
}

function setStale(trouble) {
  stale = true;
  $("pins").classList.add("stale");
  rows.forEach(draw);
  tell(trouble);
}

function update(row, pin) {
  row.pin = pin;
  const left = pin.fading_ms ?? pin.remaining_ms;
  const ends = left === undefined ? null : performance.now() + left;
  if (ends === null || row.ends === null || ends > row.ends + 500) row.whole = left;
  row.ends = ends;
  draw(row);
}

/**
 * Send a command; return 0 when the board has carried it out, Infinity when it has not. Where `isPatient`, what comes
 * too soon is no fault: return after how many milliseconds to send it again.
 */
async function command(row, method, path, value, isPatient) {
  if (stale || row.busy) return Infinity;
  const asked = token;
  const { label, name } = row.pin;
  let said = "";
  let wait = 0;
  row.busy = true;
  row.missed = null;
  commands++;
  draw(row);
  try {
    let [status, data] = await ask(method, "/pins/" + path, value);
    if (isPatient && data.code === "too_soon") wait = data.retry_ms ?? SECOND;
    else if (status !== 200) said = status === 500 ? TEXT.perhaps(label) : problemIn(label, data);
    // An event that came meanwhile may be older than the answer, or newer. After a 500 nobody knows what is.
    for (let again = 3; again && (status === 500 || (row.missed && row.missed.value !== data.value)); again--) {
      row.missed = null;
      [status, data] = await ask("GET", "/pins/" + name);
    }
    if (status === 200 && asked === token) update(row, data);
    else if (!said && !wait && asked === token) follow();
  } catch {
    said = TEXT.notKnown(label);
    if (asked === token) follow(); // anew: what came meanwhile is not told again
  }
  row.busy = false;
  if (asked !== token) return Infinity;
  commands++;
  draw(row);
  if (wait) return wait;
  note(said, true);
  navigator.vibrate?.(said ? [40, 80, 40] : 20);
  if (said) wake();
  return said ? Infinity : 0;
}

/** Why the board has refused a command, in words; of the pin that is in the way, if it tells that, the label. */
function problemIn(label, data) {
  return (TEXT.command[data.code] || TEXT.notDone)(label, data, pinCalled(data.pin)?.label ?? data.pin);
}

/** The pin of this name as it is now, if the token shows it. */
function pinCalled(name) {
  return [...rows.values()].map((row) => row.pin).find((pin) => pin.name === name);
}

function countDown() {
  if (performance.now() > noteEnds) note("");
  for (const row of rows.values()) {
    if (stale || (row.ends === null && !row.free)) continue;
    if (row.ends !== null && performance.now() > row.ends) {
      row.ends = null;
      wake(); // only the board knows
    }
    draw(row);
  }
}
