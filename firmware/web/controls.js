"use strict";

// A pin's row, by its kind.

const BLACK = "#000000";
const STEP = 200; // milliseconds between the commands of a slider
const SLOP = 16; // CSS pixels, one more than it takes Android to begin a scroll
const SECOND = 1000; // a shorter wait is not worth a word

/** Whether a pin is on: an angle or a reading never is. */
function isOn({ kind, value }) {
  if (kind === "rgb") return value !== BLACK;
  return Boolean(value) && kind !== "servo" && kind !== "analog";
}

const percent = (share) => share.toLocaleString(undefined, { style: "percent" });

/** A pin's value in words; `unnamed` are those for a colour that has no name. */
function valueIn({ kind, value, unit }, unnamed = TEXT.on) {
  if (kind === "pwm" && value) return percent(value);
  if (kind === "servo") return value + "°";
  if (kind === "analog") return `${value.toLocaleString()} ${unit}`;
  if (kind === "rgb" && isOn({ kind, value })) return colourIn(value) ?? unnamed;
  return isOn({ kind, value }) ? TEXT.on : TEXT.off;
}

/**
 * A row is what the page has of a pin:
 *   pin      what the board told of it last, JSON
 *   item, head, label, state, bar, sign   its elements; `sign` where the kind has one
 *   ends     when it changes by itself, or has faded, by performance.now(); null: it does not
 *   whole    milliseconds that this takes in all
 *   busy     a command is under way; `missed` is an event that came meanwhile
 *   wanted   the value that was chosen, as long as the board has not confirmed it; else undefined
 *   sliding  that is being sent; `free` is when the board takes it, if it told so
 *   last     the value that it had when it was on
 *   sure, sureOf, chosen   the button that has to be held for `wanted`, its words, its colour; where the pin asks for it
 *   redraw   what the parts that only some kinds have do at each change
 *   fade     the select with the milliseconds of a fade
 */
function makeRow(pin) {
  const { kind, writable } = pin;
  const isButton = writable && kind in TAPS;
  const item = add($("pins"), "li", `card ${kind} ${writable ? "" : "look"}`);
  const head = add(item, isButton ? "button" : "div", "head");
  const said = add(head, "span", "said");
  const row = { pin, item, head, label: add(said, "span", "label"), state: add(said, "span", "state"), ends: null };
  for (const part of ["label", "state"]) row[part].id = part + "-" + pin.name;
  if (isButton) makeButton(row);
  if (kind === "rgb" || kind === "input") row.sign = add(head, "span", "sign");
  if (writable) EXTRAS[kind]?.(row);
  row.bar = add(item, "span", "bar");
  return row;
}

// What a tap does.
const TAPS = {
  // The opposite of what is seen, not "toggle": what somebody else switched meanwhile is not undone.
  switch: (row) => command(row, "PUT", row.pin.name, { value: !row.pin.value }),
  pulse: (row) => command(row, "POST", row.pin.name + "/pulse", {}),
  pwm: (row) => {
    if (isOn(row.pin) || row.last) want(row, isOn(row.pin) ? 0 : row.last);
    else command(row, "POST", row.pin.name + "/toggle", {}); // the board knows how bright it was the last time
  },
  rgb: (row) => want(row, isOn(row.pin) ? BLACK : (row.last ?? WARM)),
};

const EXTRAS = {
  pwm: (row) => addSlider(row, row.label.id, [0, 100], () => row.pin.value * 100, (percent) => percent / 100),
  servo: (row) => addSlider(row, row.label.id, [row.pin.min, row.pin.max], () => row.pin.value, (angle) => angle),
  rgb: (row) => addColours(row),
};

function makeButton(row) {
  const { head, label, state, pin } = row;
  const act = () => TAPS[pin.kind](row);
  head.setAttribute("aria-labelledby", label.id);
  head.setAttribute("aria-describedby", pin.confirm ? `${state.id} pill-${pin.name}` : state.id);
  if (pin.kind === "pulse") add(head, "span", "pill", pin.confirm ? TEXT.hold : TEXT.pulse).id = "pill-" + pin.name;
  else {
    add(head, "span", "knob");
    head.setAttribute("role", "switch");
  }
  if (pin.confirm) hold(head, act);
  else head.onclick = ({ detail }) => detail > 1 || act(); // a double tap is one
}

/** Add a slider that shows `read()` and sends `write(position)`; `labels` are the ids of what names it. */
function addSlider(row, labels, [min, max], read, write) {
  const input = add(row.item, "input", "slider");
  Object.assign(input, { type: "range", min, max, step: 1 });
  input.setAttribute("aria-labelledby", labels);
  const paint = () => input.style.setProperty("--at", `${((input.value - min) / (max - min)) * 100}%`);
  const choose = () => {
    isHeldBack = false;
    if (stale) return draw(row);
    offer(row, write(input.valueAsNumber));
    paint();
  };
  // A finger that comes down may be about to scroll. It means the slider when it goes sideways, or up again.
  let start = null;
  let isHeldBack = false;
  input.onpointerdown = ({ pointerType, clientX }) => (start = pointerType === "touch" ? clientX : null);
  input.onpointermove = ({ clientX }) => {
    if (start !== null && Math.abs(clientX - start) > SLOP) start = null;
  };
  input.oninput = () => {
    if (start === null) return choose();
    isHeldBack = true;
    paint();
  };
  input.onpointerup = () => {
    start = null;
    if (isHeldBack) choose();
  };
  input.onpointercancel = () => {
    start = null;
    isHeldBack = false;
    draw(row);
  };
  (row.redraw ??= []).push(() => {
    if (row.wanted === undefined && !isHeldBack) input.value = read();
    input.setAttribute("aria-disabled", stale);
    input.setAttribute("aria-valuetext", row.pin.kind === "rgb" ? input.value + "%" : row.state.textContent);
    paint();
  });
}

/** Have a value that was chosen sent: at once, or by another button where the pin asks for that. */
function offer(row, value) {
  if (!row.pin.confirm) return want(row, value);
  row.wanted = value === row.pin.value ? undefined : value; // if not thought better of
  if (!row.sure) {
    row.sure = add(row.item, "button", "act");
    if (row.pin.kind === "rgb") row.chosen = add(row.sure, "span", "sign");
    row.sureOf = add(row.sure, "span");
    hold(row.sure, () => want(row, row.wanted));
  }
  draw(row);
}

/**
 * Send what is wanted: at most five times a second while a finger slides, no sooner than the pin's limit lets it, and
 * the last value in any case, as long as somebody looks.
 */
async function want(row, value) {
  row.wanted = value;
  if (row.sliding) return draw(row);
  row.sliding = true;
  const mine = token;
  while (row.wanted !== undefined && mine === token) {
    const sent = row.wanted;
    const pause = sleep(STEP);
    const fade_ms = Number(row.fade?.value) || undefined;
    const { confirm, name } = row.pin; // what was chosen meanwhile needs a long press of its own, and what is too soon
    const wait = await command(row, "PUT", name, { value: sent, fade_ms }, !confirm);
    if (confirm || wait === Infinity) break;
    if (wait) {
      row.free = performance.now() + wait;
      draw(row);
      await sleep(wait);
      row.free = undefined;
      if (document.hidden) break; // a phone in a pocket switches nothing
    } else {
      if (row.wanted === sent) row.wanted = undefined;
      draw(row);
      await pause;
    }
  }
  row.sliding = false;
  row.wanted = undefined;
  draw(row);
}

function draw(row) {
  const { pin, head, ends } = row;
  const on = pin.kind === "pulse" ? ends !== null : isOn(pin); // one may rest switched on: a lock that holds by power
  if (on) row.last = pin.value;
  const left = ends === null || stale ? 0 : ends - performance.now();
  setText(row.label, pin.label);
  setText(row.state, stateIn(row, left));
  row.item.classList.toggle("active", on);
  row.item.setAttribute("aria-busy", Boolean(row.busy));
  if (head.getAttribute("role")) head.setAttribute("aria-checked", on);
  if (head.type) head.setAttribute("aria-disabled", stale); // not `disabled`, which would take the keyboard's focus away
  if (row.sign) row.sign.style.backgroundColor = pin.kind === "rgb" ? pin.value : "";
  if (row.sure) {
    row.sure.hidden = row.wanted === undefined || row.sliding;
    if (!row.sure.hidden) setText(row.sureOf, TEXT.holdFor(valueIn({ ...pin, value: row.wanted }, TEXT.thisColour)));
  }
  const share = pin.kind === "analog" ? (pin.value - pin.min) / (pin.max - pin.min) : left / row.whole;
  row.bar.style.width = `${Math.min(Math.max(share || 0, 0), 1) * 100}%`;
  row.redraw?.forEach((redraw) => redraw());
}

function stateIn({ pin, busy, wanted, ends, free }, left) {
  const state = pin.kind === "pulse" && ends === null ? TEXT.ready : valueIn(pin);
  const isOutput = pin.kind !== "input" && pin.kind !== "analog";
  if (stale) return TEXT.before(state);
  const next = wanted === undefined ? state : valueIn({ ...pin, value: wanted }, TEXT.thisColour);
  const wait = free - performance.now();
  if (next !== state) return TEXT.wanted(state, next) + (wait > SECOND ? TEXT.soonest(duration(wait)) : "");
  if (busy) return TEXT.sending;
  if (isOutput && !pin.writable) return TEXT.readOnly(state);
  if (ends === null) return pin.confirm && pin.kind in TAPS && pin.kind !== "pulse" ? TEXT.holdTo(state) : state;
  if (pin.fading_ms !== undefined) return TEXT.fading(state, duration(left));
  if (typeof pin.value !== "boolean") return TEXT.another(state, duration(left));
  return TEXT.again(state, pin.value ? TEXT.off : TEXT.on, duration(left));
}
