"use strict";

// The owner's view: who did what, keys and what was withdrawn, the board's health. Each part asks when it is opened.

const PARTS = { share: openShare, audit: openAudit, withdraw: openWithdraw, health: openHealth };
const PAGE = 20; // records at a time
const CUT = 48; // characters of a name or an id in a record: one as long may have been longer

let owner = null; // the token that it is shown for

/** Show what a token with these scopes may; another token than before closes what is open. */
function showOwner(scopes) {
  const [admin, audit] = ["admin", "audit:read"].map((scope) => scopes.includes(scope));
  $("owner").hidden = !admin && !audit;
  $("share").hidden = !admin || !rows.size;
  $("audit").hidden = !audit;
  $("withdraw").hidden = !admin;
  const own = $("owner").hidden ? null : token;
  if (own === owner) return;
  if (owner) {
    for (const id of ["owner", ...Object.keys(PARTS)]) $(id).open = false;
    $("sheet").close();
  } // else it shows nothing of an owner's, but may ask about a link
  owner = own;
}

for (const id in PARTS) {
  $(id).ontoggle = () => {
    const [summary, body] = $(id).children;
    if (body.contains(document.activeElement)) summary.focus(); // else the keyboard would be back at the page's start
    body.replaceChildren();
    if ($(id).open) PARTS[id](body);
  };
}

// The sheet is for one thing at a time. What it shows may be a secret, and does not stay.
$("sheet").onclose = () => $("sheet").open || $("sheet").replaceChildren();

/** Open the sheet, which `fill` fills; its last button closes it. */
function openSheet(title, fill, close) {
  const sheet = $("sheet");
  sheet.close();
  sheet.replaceChildren();
  // It gets the focus: not what cannot be undone, nor the link, of which nothing but the end would be seen.
  Object.assign(add(sheet, "h2", "", title), { id: "sheetTitle", tabIndex: -1, autofocus: true });
  fill(sheet);
  add(sheet, "button", "act ghost", close).onclick = () => sheet.close();
  sheet.showModal();
}

/** What the board answers to an owner, or null when it is said in `body` why there is nothing. */
async function askOwner(body, method, path, value) {
  body.querySelector("[role=status]")?.remove();
  const said = add(body, "p", "soft", TEXT.busy);
  said.setAttribute("role", "status");
  const mine = token;
  try {
    for (let tries = 3; ; tries--) {
      const [status, data] = await ask(method, path, value);
      if (mine !== token || !said.isConnected) return null; // nobody waits for it any more
      if (status < 300) {
        said.remove();
        return data;
      }
      // It loads what it needs for this; there may be room in a moment, and what was done may be done again.
      if (status !== 503 || tries === 1) {
        const isUnknown = method !== "GET" && (status === 500 || data.code === "out_of_memory");
        said.textContent = data.code === "no_jti" ? TEXT.shareNoId : isUnknown ? TEXT.unknown : TEXT.cannot(data.detail);
        return null;
      }
      await sleep(1000);
    }
  } catch {
    said.textContent = method === "GET" ? TEXT.lost : TEXT.unknown;
    return null;
  }
}

async function openAudit(body) {
  const warning = add(body, "p", "warning");
  const list = add(body, "ul", "lines");
  const older = add(body, "button", "act ghost", TEXT.older);
  older.hidden = true;
  const load = async (before) => {
    older.onclick = null;
    const found = await askOwner(body, "GET", `/audit?limit=${PAGE}` + (before ? `&before=${before}` : ""));
    older.onclick = () => load(before);
    if (!found) return;
    const { records, waiting, chain, dropped } = found;
    const wrongs = [chain !== "whole" && TEXT.auditBroken, dropped && TEXT.auditDropped(dropped)];
    warning.textContent = wrongs.filter(Boolean).join(" ");
    for (const record of [...waiting, ...records]) addRecord(list, record);
    if (!list.children.length) add(list, "li", "", TEXT.nothing);
    const last = records[PAGE - 1];
    older.hidden = !last;
    older.onclick = () => load(last.n);
  };
  await load();
}

function addRecord(list, record) {
  const { t, what, by, from, value, jti } = record;
  const pin = pinCalled(record.pin);
  const isColour = /^#[\da-f]{6}$/i.test(value);
  const isKnown = pin ? isColour === (pin.kind === "rgb") : typeof value === "boolean"; // a deploy may have changed it
  const words = {
    ...record,
    pin: pin ? pin.label : record.pin,
    value: what === "set" && isKnown ? valueIn({ ...pin, value }, value) : value,
  };
  const line = (TEXT.audit[what] || TEXT.auditOther)(by || TEXT.somebody, words);
  // Whose token it was; of a share, that of the guest.
  const [sub, id] = what === "share" ? [record.pin, value] : [by, jti];
  // A name that may have been cut is nobody's.
  const isWhole = sub && utf8(JSON.stringify(sub)).length < (what === "share" ? 32 : CUT - 4);
  const isButton = sub && !$("withdraw").hidden;
  const entry = add(add(list, "li"), isButton ? "button" : "div", "entry");
  const said = add(entry, "span");
  add(said, "span", "", line);
  if (isColour) add(entry, "i", "sign").style.backgroundColor = value;
  add(said, "span", "soft", [t ? moment(t) : TEXT.untimed, from].filter(Boolean).join(" · "));
  if (isButton) entry.onclick = () => askWithdraw(sub, id, isWhole);
}

/** Ask whether to withdraw what `sub` has, or only the token `id`, if it is known. */
function askWithdraw(sub, id, isWhole = true) {
  const own = claimsIn(token);
  openSheet(
    TEXT.withdrawAsk(sub),
    (sheet) => {
      add(sheet, "p", "", TEXT.withdrawHint);
      if (own.sub === sub) add(sheet, "p", "warning", TEXT.withdrawSelf);
      const offer = (text, value) => {
        add(sheet, "button", "act danger", text).onclick = async () => {
          const body = $("sheet");
          for (const button of body.querySelectorAll(".danger")) button.remove();
          $("sheetTitle").focus();
          body.addEventListener("close", refresh, { once: true }); // whatever comes of it
          if (!(await askOwner(body, "POST", "/revocations", value()))) return;
          body.close();
          note(TEXT.withdrawn);
        };
      };
      if (id && id.length < CUT) offer(TEXT.withdrawOne, () => ({ jti: id }));
      // Those that were made in this second, too.
      if (isWhole) offer(TEXT.withdrawAll(sub), () => ({ sub, before: boardTime() + 1 }));
    },
    TEXT.leave,
  );
}

function refresh() {
  for (const part of ["audit", "withdraw"]) if ($(part).open) $(part).ontoggle();
}

async function openWithdraw(body) {
  const form = add(body, "form");
  add(form, "label", "", TEXT.withdraw).htmlFor = "whose";
  const whose = Object.assign(add(form, "input", "field"), { id: "whose", autocomplete: "off" });
  add(form, "button", "act ghost", TEXT.withdrawNext);
  form.onsubmit = (event) => {
    event.preventDefault();
    if (whose.value.trim()) askWithdraw(whose.value.trim());
  };
  const found = await askOwner(body, "GET", "/revocations");
  if (!found) return;
  add(body, "h2", "", TEXT.revocations);
  const list = add(body, "ul", "lines");
  for (const { jti, sub, before } of found.revocations) {
    const when = jti || moment(before);
    add(list, "li", "entry", jti ? TEXT.revokedId(jti) : sub ? TEXT.revokedSub(sub, when) : TEXT.revokedAll(when));
  }
  if (!found.revocations.length) add(list, "li", "entry soft", TEXT.nothing);
  const keys = await askOwner(body, "GET", "/keys");
  if (!keys) return;
  add(body, "h2", "", TEXT.keys);
  const names = add(body, "ul", "lines");
  const own = claimsIn("." + token).kid; // of the segment before the claims
  for (const { kid } of keys.keys) add(names, "li", "entry", kid === own ? TEXT.keyOwn(kid) : kid);
  add(body, "p", "soft", TEXT.keysHint);
}

async function openHealth(body) {
  const found = await askOwner(body, "GET", "/device");
  if (!found) return;
  const { heap, flash, clock, crashes, network, signal_dbm: dbm } = found;
  const unit = { style: "unit", unit: "kilobyte", maximumFractionDigits: 0 };
  const kilo = (octets) => (octets / 1024).toLocaleString(undefined, unit);
  const share = ({ free }, all) => TEXT.ofAll(kilo(free), kilo(all));
  const told = {
    signal: network === "station" && dbm ? TEXT.signal(dbm) : network === "setup" ? TEXT.ownNetwork : network || TEXT.noNetwork,
    memory: share(heap, heap.free + heap.used),
    flash: share(flash, flash.size),
    uptime: span(found.uptime_s),
    cause: TEXT.causes[found.reset_cause] || found.reset_cause,
    clock: [moment(clock.now), clock.source].join(" · "),
    version: [found.version, found.chip, "MicroPython " + found.micropython].join(" · "),
    crashes: crashes && `${crashes.count}: ${crashes.last}`,
    rolled_back: found.rolled_back,
  };
  const list = add(body, "dl");
  for (const name in told) {
    if (!told[name]) continue;
    add(list, "dt", "", TEXT.health[name]);
    add(list, "dd", "", told[name]);
  }
}
