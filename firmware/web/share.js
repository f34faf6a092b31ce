"use strict";

// Letting a guest in: a token that may less than this one, for a shorter time. The board makes it, this page draws it.

function openShare(body) {
  const form = add(body, "form");
  const said = document.createElement("p");
  const choice = (parent, type, text, values) => {
    const label = add(parent, "label", "choice");
    const input = Object.assign(add(label, "input"), { type, ...values });
    add(label, "span", "", text);
    return input;
  };
  const group = (title, className) => {
    const set = add(form, "fieldset");
    add(set, "legend", "", title);
    return add(set, "div", className);
  };

  add(form, "label", "", TEXT.guest).htmlFor = "guest";
  const guest = Object.assign(add(form, "input", "field"), { id: "guest", maxLength: 64, autocomplete: "off" });
  guest.setAttribute("aria-describedby", "guestHint");
  add(form, "p", "soft", TEXT.guestHint).id = "guestHint";

  const pins = group(TEXT.guestPins, "");
  const rights = [...rows.values()].map(({ pin }) => {
    const line = add(pins, "div", "grant");
    add(line, "b", "", pin.label);
    const boxes = add(line, "div", "choices");
    const choose = (text) => {
      const box = choice(boxes, "checkbox", text);
      box.setAttribute("aria-label", `${pin.label}: ${text}`);
      return box;
    };
    const right = { name: pin.name, read: choose(TEXT.see), write: pin.writable && choose(TEXT.operate) };
    // Who uses it sees it.
    if (right.write) {
      right.write.onchange = () => right.write.checked && (right.read.checked = true);
      right.read.onchange = () => right.read.checked || (right.write.checked = false);
    }
    return right;
  });

  const times = group(TEXT.guestTime, "choices");
  const left = secondsLeft(claimsIn(token));
  for (const [seconds, text] of Object.entries(TEXT.times)) {
    // "0", the first of them in JavaScript's order, is as long as the owner's; nothing is longer.
    if (seconds === "0" || seconds < left) {
      choice(times, "radio", text, { name: "time", value: seconds, checked: seconds === "86400" });
    }
  }
  times.append(times.firstChild);
  if (!times.querySelector(":checked")) times.lastChild.firstChild.checked = true;

  form.append(said);
  said.setAttribute("role", "alert");
  said.className = "warning";
  const make = add(form, "button", "act", TEXT.shareMake);
  const answer = add(form, "div");
  let asking = false;
  form.onsubmit = async (event) => {
    event.preventDefault();
    const sub = guest.value.trim();
    const scope = rights.flatMap(({ name, read, write }) => [
      ...(read.checked ? ["pins:read:" + name] : []),
      ...(write && write.checked ? ["pins:write:" + name] : []),
    ]);
    said.textContent = !sub ? TEXT.shareNobody : !scope.length ? TEXT.shareNothing : "";
    if (said.textContent) return (sub ? rights[0].read : guest).focus();
    if (asking) return;
    asking = true; // not `disabled`, which would take the keyboard's focus away
    const ttl = Number(form.elements.time.value) || Math.max(60, left);
    const parent = token;
    const made = await askOwner(answer, "POST", "/tokens", { sub, scope: scope.join(" "), ttl });
    asking = false;
    if (!made) return;
    const link = unsealed(made, parent);
    if (!isAskedFor(claimsIn(link), { sub, scope, ttl }, parent)) {
      said.textContent = TEXT.shareOther;
      return;
    }
    $("share").ontoggle(); // anew: the next guest is not to get what this one got
    showLink(made, location.origin + "/#token=" + link);
  };
}

/** The guest's token. Its signature has come sealed with the parent's, which nobody else has: nobody else can use it. */
function unsealed({ token, sealed }, parent) {
  const pad = hmacSha256(fromBase64url(parent.split(".")[2]), utf8("pinwarden share\n" + token));
  const signature = fromBase64url(sealed).map((octet, i) => octet ^ pad[i]);
  return token + "." + toBase64url(signature);
}

/** An older answer unseals as well: whoever stands between could have one guest handed the token of another. */
function isAskedFor(got, { sub, scope, ttl }, parent) {
  const now = boardTime();
  return (
    got.sub === sub &&
    got.scope?.split(" ").sort().join() === [...scope].sort().join() &&
    got.parent?.jti === claimsIn(parent).jti &&
    got.iat > now - 86400 - 300 && // not later than the board is certain of: `max_jump` behind its clock, a day
    got.exp < now + ttl + 300
  );
}

function showLink({ sub, exp }, link) {
  openSheet(
    TEXT.shared(sub),
    (sheet) => {
      add(sheet, "p", "", TEXT.sharedUntil(moment(exp)));
      sheet.append(drawn(qrCode(link)));
      const field = Object.assign(add(sheet, "input", "field"), { value: link, readOnly: true });
      field.setAttribute("aria-label", TEXT.link);
      const copy = add(sheet, "button", "act", TEXT.copy);
      copy.onclick = () => {
        // navigator.clipboard is for https:// only.
        field.select();
        if (document.execCommand("copy")) copy.textContent = TEXT.copied;
        copy.focus(); // a screen reader says it
      };
      if (navigator.share) {
        add(sheet, "button", "act", TEXT.send).onclick = () => navigator.share({ url: link }).catch(() => {});
      }
      add(sheet, "p", "soft", TEXT.sharedOnce);
    },
    TEXT.done,
  );
}

/** A code as a picture: each row's dark modules, and four light ones around (ISO/IEC 18004, 5.3.8). */
function drawn(rows) {
  const [svg, path] = ["svg", "path"].map((tag) => document.createElementNS("http://www.w3.org/2000/svg", tag));
  const runs = rows.flatMap((row, y) =>
    [...row.join("").matchAll(/1+/g)].map(({ index, 0: run }) => `M${index + 4} ${y + 4}h${run.length}v1h-${run.length}z`),
  );
  path.setAttribute("d", runs.join(""));
  svg.setAttribute("viewBox", `0 0 ${rows.length + 8} ${rows.length + 8}`);
  svg.setAttribute("class", "code");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", TEXT.code);
  svg.append(path);
  return svg;
}
