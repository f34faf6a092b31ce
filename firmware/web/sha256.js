"use strict";

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
