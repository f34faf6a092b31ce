"use strict";

// QR codes (ISO/IEC 18004): octets, error correction level L. A screen does not get dirty, and has few pixels to give.

// By version, 1 to 40: the error correction octets of a block, and how many blocks there are (table 9).
const QR_EC = [
  7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24, 28, 30, 28, 28,
  28, 28, 30, 30, 26, 28, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30,
];
const QR_BLOCKS = [
  1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8,
  8, 9, 9, 10, 12, 12, 12, 13, 14, 15, 16, 17, 18, 19, 19, 20, 21, 22, 24, 25,
];
const QR_MASKS = [
  (y, x) => (y + x) % 2,
  (y) => y % 2,
  (y, x) => x % 3,
  (y, x) => (y + x) % 3,
  (y, x) => ((y >> 1) + Math.floor(x / 3)) % 2,
  (y, x) => ((y * x) % 2) + ((y * x) % 3),
  (y, x) => (((y * x) % 2) + ((y * x) % 3)) % 2,
  (y, x) => (((y + x) % 2) + ((y * x) % 3)) % 2,
];

/** The smallest code of `text`: rows of 0 and 1 (dark), without the quiet zone. `mask`: the best one, if none is given. */
function qrCode(text, mask) {
  const octets = utf8(text);
  const version = qrVersion(octets.length);
  const stream = qrInterleaved(qrData(octets, version), version);
  const masks = mask === undefined ? [...QR_MASKS.keys()] : [mask];
  const codes = masks.map((one) => qrDrawn(stream, version, one));
  const costs = codes.map(qrCost);
  return codes[costs.indexOf(Math.min(...costs))];
}

function qrVersion(length) {
  for (let version = 1; version <= 40; version++) {
    if (length + (version < 10 ? 2 : 3) <= qrRoom(version)) return version;
  }
  throw new RangeError("too long for a QR code");
}

/** The octets that a version has for data; those for all are what is left by its patterns. */
function qrRoom(version) {
  return qrAll(version) - QR_EC[version - 1] * QR_BLOCKS[version - 1];
}

function qrAll(version) {
  const places = qrPlaces(version).length;
  let modules = (16 * version + 128) * version + 64;
  if (places) modules -= (25 * places - 10) * places - 55;
  if (version > 6) modules -= 36;
  return modules >> 3;
}

/** Where the alignment patterns' middles are, in both directions (annex E): evenly, to an even step, from the far end. */
function qrPlaces(version) {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  const step = version === 32 ? 26 : Math.ceil((4 * version + 4) / (2 * count - 2)) * 2;
  return Array.from({ length: count }, (_, i) => (i ? 4 * version + 10 - (count - 1 - i) * step : 6));
}

/** Mode, length, octets, end, padding (7.4). */
function qrData(octets, version) {
  const room = qrRoom(version);
  // The mode is half an octet, so that everything is shifted by that.
  const whole = [4, ...(version < 10 ? [] : [octets.length >> 8]), octets.length & 255, ...octets, 0];
  const data = whole.slice(1).map((octet, i) => ((whole[i] << 4) | (octet >> 4)) & 255);
  for (let pad = 236; data.length < room; pad ^= 236 ^ 17) data.push(pad);
  return data;
}

/** The blocks' octets in turns, then those of their error correction (7.6). */
function qrInterleaved(data, version) {
  const [ec, count] = [QR_EC[version - 1], QR_BLOCKS[version - 1]];
  const short = Math.floor(data.length / count);
  const longer = count - (data.length % count); // from this block on
  const blocks = [];
  for (let i = 0, at = 0; i < count; i++) blocks.push(data.slice(at, (at += short + (i >= longer))));
  const divisor = qrDivisor(ec);
  const checks = blocks.map((block) => qrRemainder(block, divisor));
  const turns = (lists, length) =>
    Array.from({ length }, (_, i) => lists.map((list) => list[i])).flat().filter((octet) => octet !== undefined);
  return [...turns(blocks, short + 1), ...turns(checks, ec)];
}

/** The product in GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1 (7.5.2). */
function qrTimes(a, b) {
  let product = 0;
  for (let bit = 7; bit >= 0; bit--) product = (product << 1) ^ ((product >> 7) * 0x11d) ^ (((b >> bit) & 1) * a);
  return product;
}

/** The coefficients of (x - 1)(x - 2)(x - 4)… but for the first, which is 1. */
function qrDivisor(degree) {
  const found = Array(degree).fill(0);
  found[degree - 1] = 1;
  for (let i = 0, root = 1; i < degree; i++, root = qrTimes(root, 2)) {
    for (let j = 0; j < degree; j++) found[j] = qrTimes(found[j], root) ^ (found[j + 1] ?? 0);
  }
  return found;
}

function qrRemainder(data, divisor) {
  const rest = divisor.map(() => 0);
  for (const octet of data) {
    const factor = octet ^ rest.shift();
    rest.push(0);
    divisor.forEach((one, i) => (rest[i] ^= qrTimes(one, factor)));
  }
  return rest;
}

function qrDrawn(stream, version, mask) {
  const size = 4 * version + 17;
  const rows = Array.from({ length: size }, () => Array(size)); // undefined: free
  const put = (y, x, dark) => {
    if (rows[y] && x >= 0 && x < size) rows[y][x] = Number(dark);
  };
  /** A square of rings around a middle; `rings` says how many, and which is light. */
  const square = (y, x, radius, light) => {
    for (let dy = -radius; dy <= radius; dy++) {
      for (let dx = -radius; dx <= radius; dx++) put(y + dy, x + dx, !light.includes(Math.max(Math.abs(dy), Math.abs(dx))));
    }
  };
  for (let i = 0; i < size; i++) {
    put(6, i, i % 2 === 0);
    put(i, 6, i % 2 === 0);
  }
  for (const [y, x] of [[3, 3], [3, size - 4], [size - 4, 3]]) square(y, x, 4, [2, 4]);
  const places = qrPlaces(version);
  const last = places[places.length - 1];
  for (const y of places) {
    for (const x of places) {
      const isFinder = (y === 6 && (x === 6 || x === last)) || (y === last && x === 6);
      if (!isFinder) square(y, x, 2, [1]);
    }
  }
  // The format: level L is 1; it stands twice (7.9). The version, of 7 and up, too (7.10).
  const format = qrBch((1 << 3) | mask, 10, 0x537) ^ 0x5412;
  for (let i = 0; i < 15; i++) {
    const dark = (format >> i) & 1;
    put(i < 6 ? i : i < 8 ? i + 1 : size - 15 + i, 8, dark);
    put(8, i < 8 ? size - 1 - i : i < 9 ? 7 : 14 - i, dark);
  }
  put(size - 8, 8, 1);
  if (version > 6) {
    const bits = qrBch(version, 12, 0x1f25);
    for (let i = 0; i < 18; i++) {
      const [a, b] = [size - 11 + (i % 3), Math.floor(i / 3)];
      put(a, b, (bits >> i) & 1);
      put(b, a, (bits >> i) & 1);
    }
  }
  qrFill(rows, stream, QR_MASKS[mask]);
  return rows;
}

/** Data with its BCH code of so many bits behind it. */
function qrBch(data, bits, divisor) {
  let rest = data << bits;
  for (let i = 31 - Math.clz32(rest); i >= bits; i--) if ((rest >> i) & 1) rest ^= divisor << (i - bits);
  return (data << bits) | rest;
}

/** The stream's bits from the right to the left, in pairs of columns, up and down by turns (7.7.3); then the mask. */
function qrFill(rows, stream, mask) {
  const size = rows.length;
  let bit = 0;
  for (let right = size - 1, up = true; right > 0; right -= 2, up = !up) {
    if (right === 6) right = 5;
    for (let i = 0; i < size; i++) {
      const y = up ? size - 1 - i : i;
      for (const x of [right, right - 1]) {
        if (rows[y][x] !== undefined) continue;
        const dark = (stream[bit >> 3] >> (7 - (bit & 7))) & 1; // 0 behind the end
        rows[y][x] = dark ^ (mask(y, x) === 0);
        bit++;
      }
    }
  }
}

/** How hard a code is to read (7.8.3): long runs, blocks, what looks like a corner, and too much of one colour. */
function qrCost(rows) {
  const size = rows.length;
  const lines = [...rows, ...rows.map((_, x) => rows.map((row) => row[x]))].map((line) => line.join(""));
  let cost = 0;
  for (const line of lines) {
    for (const run of line.match(/0{5,}|1{5,}/g) || []) cost += run.length - 2;
    // Around the code it is light, too.
    cost += 40 * (`0000${line}0000`.match(/00001011101|1011101(?=0000)/g) || []).length;
  }
  for (let y = 1; y < size; y++) {
    for (let x = 1; x < size; x++) {
      const dark = rows[y][x];
      if (dark === rows[y][x - 1] && dark === rows[y - 1][x] && dark === rows[y - 1][x - 1]) cost += 3;
    }
  }
  const share = rows.flat().filter(Boolean).length / size / size;
  return cost + Math.floor(Math.abs(share - 0.5) * 20) * 10;
}
