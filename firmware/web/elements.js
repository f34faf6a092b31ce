"use strict";

// What the parts of the page share: elements, and the two places that say something.

const NOTE = 6000; // milliseconds that a note stays
const HOLD = 800; // that a finger stays

const $ = (id) => document.getElementById(id);
let noteEnds = Infinity;

/** Add an element. Whatever comes from the board or a token goes in as text, never as HTML. */
function add(parent, tag, className = "", text = "") {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  return parent.appendChild(node);
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text; // else a screen reader says it again
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Say what is wrong with everything, until it is over; `calm`: nothing is. */
function tell([what, remedy] = ["", ""], calm = false) {
  $("trouble").hidden = !what;
  $("trouble").classList.toggle("calm", calm);
  setText($("what"), what);
  setText($("remedy"), remedy);
}

/** Say something once. */
function note(text, bad = false) {
  setText($("note"), text);
  $("note").className = bad ? "bad" : "";
  noteEnds = performance.now() + NOTE;
}

$("note").onclick = () => note(""); // it may lie over a control

/** Have `act` called when the button is held: a pocket or a toddler taps, and does not. */
function hold(button, act) {
  let timer = 0;
  let armed = 0;
  add(button, "span", "fill");
  const stop = () => {
    clearTimeout(timer);
    button.classList.remove("held");
  };
  const start = () => {
    stop();
    if (button.getAttribute("aria-disabled") === "true") return;
    button.classList.add("held");
    note("");
    timer = setTimeout(() => {
      stop();
      timer = 0;
      act();
    }, HOLD);
  };
  button.onpointerdown = ({ button: which, target, pointerId }) => {
    if (which) return;
    target.releasePointerCapture(pointerId); // else a finger that slides off would not leave it
    start();
  };
  button.onpointerup = button.onpointercancel = button.onpointerleave = button.onblur = stop;
  button.oncontextmenu = () => false; // what a long touch would open
  button.onkeydown = button.onkeyup = (event) => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    if (event.type === "keyup") stop();
    else if (!event.repeat) start();
  };
  button.onclick = (event) => {
    // A screen reader's click has no finger that could stay: the second one is meant.
    if (!event.detail && performance.now() < armed) {
      armed = 0;
      act();
    } else if (!event.detail) {
      armed = performance.now() + NOTE;
      note(TEXT.pressAgain);
    } else if (timer) note(TEXT.holdLonger);
  };
}
