"use strict";

// The tokens that this browser has for this board, the one in use first, and what they say.

const KEY = "pinwarden.tokens"; // in localStorage, which each origin has for itself
const DAY = 86400;
let kept = []; // what is stored; where nothing can be, it lasts as long as the page
let token = null; // in use; one from a link takes no kept one's place until the board has taken it

/** The token in what was pasted or opened, or null. */
function tokenIn(text) {
  // It begins with '{"', and ends with an HS256 signature: 32 octets. Around it may be the words of a whole message.
  const [word] = /eyJ[\w-]+\.[\w-]+\.[\w-]{43}/.exec(text.replace(/\s/g, "")) ?? [];
  return word?.length <= 2048 ? word : null;
}

function loadTokens() {
  try {
    kept = JSON.parse(localStorage.getItem(KEY) ?? "[]").filter(tokenIn);
  } catch {
    // switched off, or not ours
  }
}

function saveTokens(list) {
  kept = list;
  try {
    if (kept.length) localStorage.setItem(KEY, JSON.stringify(kept));
    else localStorage.removeItem(KEY);
  } catch {
    // switched off
  }
}

/** Keep a token as the one in use, in place of those for the same person and rights that end before it. */
function keep(value) {
  const { sub, scope, exp } = claimsIn(value);
  const isReplaced = (other) => other.sub === sub && other.scope === scope && other.exp <= exp;
  saveTokens([value, ...kept.filter((other) => other !== value && !isReplaced(claimsIn(other)))]);
}

/** What a token says of itself, {} if it says nothing. Until the board has taken it, good for words only. */
function claimsIn(value) {
  try {
    return JSON.parse(new TextDecoder().decode(fromBase64url(value.split(".")[1]))) || {};
  } catch {
    return {};
  }
}

const scopesOf = (claims) => String(claims.scope ?? "").split(" ");

/** Whose a token is, what it may do, how long: [words for each]. `labels` has the pins' by their names. */
function inWords(value, labels) {
  const claims = claimsIn(value);
  const scopes = scopesOf(claims);
  const names = (scope) => scopes.flatMap((one) => (one.startsWith(scope + ":") ? one.slice(scope.length + 1) : []));
  const list = (some) => TEXT.list(some.map((name) => labels.get(name) ?? name));
  const uses = names("pins:write");
  const sees = names("pins:read").filter((name) => !uses.includes(name));
  const said = [typeof claims.sub === "string" ? claims.sub : TEXT.nobody];
  if (scopes.includes("pins:write")) said.push(TEXT.everything);
  else {
    if (uses.length) said.push(list(uses));
    if (scopes.includes("pins:read")) said.push(TEXT.seesAll);
    else if (sees.length) said.push(TEXT.sees(list(sees)));
  }
  if (scopes.includes("admin")) said.push(TEXT.owns);
  else if (scopes.includes("audit:read")) said.push(TEXT.audits);
  return [...said, TEXT.left(secondsLeft(claims))];
}

/** How long a token is good, by the board's clock. */
const secondsLeft = ({ exp }) => exp - boardTime();

/** Whether it is time for another token: three days before the end, or the last tenth of a short life. */
function endsSoon(claims) {
  const life = claims.exp - claims.iat;
  return secondsLeft(claims) < (life < 6 * DAY ? life / 10 : 3 * DAY);
}
