"use strict";

// A pin's row, by its kind.

const BLACK = "#000000";
const STEP = 200; // milliseconds between the commands of a slider

/** Whether a pin is on: an angle or a reading never is. */
function isOn({ kind, value }) {
  if (kind === "rgb") return value !== BLACK;
  return Boolean(value) && kind !== "servo" && kind !== "analog";
}

/** A pin's value in words. */
function valueIn({ kind, value, unit }) {
  if (kind === "pwm" && value) return value.toLocaleString(undefined, { style: "percent" });
  if (kind === "servo") return value + "°";
  if (kind === "analog") return `${value.toLocaleString()} ${unit}`;
  return isOn({ kind, value }) ? TEXT.on : TEXT.off;
}

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
  pwm: (row) => addSlider(row, row.label, [0, 100], () => row.pin.value * 100, (percent) => percent / 100),
  servo: (row) => addSlider(row, row.label, [row.pin.min, row.pin.max], () => row.pin.value, (angle) => angle),
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
  else head.onclick = act;
}

/** Add a slider that shows `read()` and sends `write(position)`. */
function addSlider(row, label, [min, max], read, write) {
  const input = add(row.item, "input", "slider");
  Object.assign(input, { type: "range", min, max, step: 1 });
  input.setAttribute("aria-labelledby", label.id);
  const paint = () => input.style.setProperty("--at", `${((input.value - min) / (max - min)) * 100}%`);
  input.oninput = () => {
    if (stale) return draw(row);
    offer(row, write(input.valueAsNumber));
    paint();
  };
  (row.redraw ??= []).push(() => {
    if (row.wanted === undefined) input.value = read();
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
    add(row.sure, "span");
    hold(row.sure, () => want(row, row.wanted));
  }
  draw(row);
}

/** Send what is wanted: at most five times a second while a finger slides, and the last value in any case. */
async function want(row, value) {
  row.wanted = value;
  if (row.sliding) return draw(row);
  row.sliding = true;
  for (let sent; row.wanted !== undefined && row.wanted !== sent; ) {
    sent = row.wanted;
    const pause = new Promise((resolve) => setTimeout(resolve, STEP));
    const fade_ms = Number(row.fade?.value) || undefined;
    if (!(await command(row, "PUT", row.pin.name, { value: sent, fade_ms }))) break;
    if (row.pin.confirm) break; // what was chosen meanwhile needs a long press of its own
    if (row.wanted !== sent) await pause;
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
    setText(row.sure.firstChild, TEXT.holdFor(valueIn({ ...pin, value: row.wanted })));
  }
  const share = pin.kind === "analog" ? (pin.value - pin.min) / (pin.max - pin.min) : left / row.whole;
  row.bar.style.width = `${Math.min(Math.max(share || 0, 0), 1) * 100}%`;
  row.redraw?.forEach((redraw) => redraw());
}

function stateIn({ pin, busy, wanted, ends }, left) {
  const state = pin.kind === "pulse" && ends === null ? TEXT.ready : valueIn(pin);
  const isOutput = pin.kind !== "input" && pin.kind !== "analog";
  if (stale) return TEXT.before(state);
  const next = wanted === undefined ? state : valueIn({ ...pin, value: wanted });
  if (next !== state) return TEXT.wanted(state, next);
  if (busy) return TEXT.sending;
  if (isOutput && !pin.writable) return TEXT.readOnly(state);
  if (ends === null) return pin.confirm && pin.kind in TAPS && pin.kind !== "pulse" ? TEXT.holdTo(state) : state;
  if (pin.fading_ms !== undefined) return TEXT.fading(state, duration(left));
  if (typeof pin.value !== "boolean") return TEXT.another(state, duration(left));
  return TEXT.again(state, pin.value ? TEXT.off : TEXT.on, duration(left));
}
