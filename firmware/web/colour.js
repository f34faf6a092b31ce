"use strict";

// The colours of an RGB light: some to tap, any by the phone's own picker, how bright, and how slowly it gets there.

const WARM = "#ff9a45";
// At their brightest, in the order of TEXT.colours.
const COLOURS = [WARM, "#ff3d6e", "#ff1500", "#ffd000", "#00ff60", "#0090ff", "#7a28ff"];
const FADES = [0, 2000, 10000, 60000, 600000]; // milliseconds

const partsOf = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
// In whole per cent, as the slider has it: so what was dimmed is known again, without what rounding took.
const levelOf = (colour) => Math.max(1, Math.round(Math.max(...partsOf(colour)) / 2.55)) / 100;

/** A colour made as bright as `level`, 0..1. */
function dimmed(colour, level) {
  const parts = partsOf(colour);
  const most = Math.max(...parts) || 1;
  return "#" + parts.map((part) => Math.round((part / most) * level * 255).toString(16).padStart(2, "0")).join("");
}

/** A colour's name and how bright it is, if it is one of ours. */
function colourIn(colour) {
  const level = levelOf(colour);
  const name = TEXT.colours[COLOURS.findIndex((one) => dimmed(one, level) === colour.toLowerCase())];
  return name && level < 1 ? `${name}, ${percent(level)}` : name;
}

function addColours(row) {
  const { item, pin } = row;
  let full = WARM; // the colour at its brightest: dimmed, it has lost some of its digits
  let level = 1;
  const choose = (colour) => offer(row, colour);

  const swatches = add(item, "div", "swatches");
  swatches.setAttribute("role", "group");
  swatches.setAttribute("aria-labelledby", row.label.id); // there may be several lights
  const buttons = COLOURS.map((colour, i) => {
    const button = add(swatches, "button", "swatch");
    button.style.backgroundColor = colour;
    button.setAttribute("aria-label", TEXT.colours[i]);
    button.onclick = () => stale || choose(dimmed(colour, level));
    return button;
  });
  const picker = add(swatches, "input", "swatch picker");
  picker.type = "color";
  picker.setAttribute("aria-label", TEXT.anyColour);
  picker.oninput = () => stale || choose(picker.value);

  const bright = add(item, "span", "small", TEXT.bright);
  bright.id = "bright-" + pin.name;
  addSlider(row, `${row.label.id} ${bright.id}`, [1, 100], () => level * 100, (percent) => dimmed(full, percent / 100));
  const fade = add(item, "label", "fade");
  add(fade, "span", "", TEXT.fade).id = "fade-" + pin.name;
  row.fade = add(fade, "select");
  row.fade.setAttribute("aria-labelledby", `${row.label.id} fade-${pin.name}`);
  for (const ms of FADES) add(row.fade, "option", "", ms ? duration(ms) : TEXT.atOnce).value = ms;

  row.redraw.unshift(() => {
    const value = row.wanted ?? row.pin.value; // what is chosen; what the light has is beside its name
    if (value !== BLACK) {
      level = levelOf(value);
      if (dimmed(full, level) !== value) full = dimmed(value, 1);
      picker.value = value;
    }
    if (row.chosen) row.chosen.style.backgroundColor = value;
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", value === dimmed(COLOURS[i], level)));
    item.style.setProperty("--tint", full);
  });
}
