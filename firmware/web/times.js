"use strict";

// Times for people: a moment by the phone's habits, a length in the page's language.

const UNITS = { year: 31557600, day: 86400, hour: 3600, minute: 60 };

/** Unix seconds as a date and time. */
function moment(unix) {
  const date = new Date(unix * 1000);
  if (!(date.getTime() < 1e14)) return TEXT.someday;
  return date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

/** Milliseconds as a countdown shows them. */
function duration(ms) {
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  if (seconds < 60) return seconds + "\u00a0s";
  return Math.floor(seconds / 60) + ":" + String(seconds % 60).padStart(2, "0") + "\u00a0min";
}

/** Seconds in words, to one unit: "12 days". */
function span(seconds) {
  const [unit, size] = Object.entries(UNITS).find(([, size]) => seconds >= 2 * size) ?? ["minute", 60];
  const count = Math.max(1, Math.floor(seconds / size));
  const { lang } = document.documentElement;
  return count.toLocaleString(lang, { style: "unit", unit, unitDisplay: "long" }).replace(" ", "\u00a0");
}
