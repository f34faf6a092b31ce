"use strict";

// Signing in and out; and the start.

/** Take the token from the address, if there is one, and at once out of it: addresses are copied and photographed. */
function takeFromAddress() {
  if (!location.hash.startsWith("#token=")) return false;
  const found = tokenIn(location.hash);
  history.replaceState(null, "", location.pathname);
  if (!kept.length) {
    if (found) keep(found);
    begin(found, TEXT.notToken);
    return true;
  }
  if (!token) begin(kept[0]);
  if (!found) note(TEXT.notToken.join(" "), true);
  else if (found !== token) askToUse(found);
  return true;
}

/** Ask before the token of a link is used in place of another: who sent it may want this person's acts under its name. */
function askToUse(found) {
  const [who, ...rest] = inWords(found, labels());
  openSheet(
    TEXT.useAsk(who),
    (sheet) => {
      add(sheet, "p", "", rest.join(" · "));
      add(sheet, "p", "soft", TEXT.useHint);
      add(sheet, "button", "act", TEXT.useIt).onclick = () => {
        sheet.close();
        begin(found);
      };
    },
    TEXT.keepMine,
  );
}

const labels = () => new Map(Array.from(rows.values(), ({ pin }) => [pin.name, pin.label]));

/** Use another token from now on, or none. */
function begin(value, trouble = TEXT.noToken) {
  token = value;
  commands++;
  lost = false;
  pollUntil = 0;
  stale = true;
  rows.clear();
  $("pins").replaceChildren();
  $("name").textContent = document.title = "Pinwarden";
  $("who").open = false;
  showHolder();
  showOwner([]); // until the board has taken it
  if (token) {
    $("entry").hidden = true;
    tell();
  } else {
    showEntry();
    tell(trouble, trouble === TEXT.noToken);
  }
  follow();
}

/** Have a token asked for. */
function showEntry() {
  $("pins").hidden = true;
  $("entry").hidden = false;
  showOwner([]);
}

/** Show whose token is in use, and the others. */
function showHolder() {
  const claims = claimsIn(token);
  const others = kept.filter((other) => other !== token);
  $("who").hidden = !token && !others.length;
  if (token && typeof claims.aud === "string") $("name").textContent = document.title = claims.aud;
  setText($("holder"), token ? inWords(token, labels()).join(" · ") : TEXT.noToken[0]);
  $("soon").hidden = !token || stale || !endsSoon(claims);
  $("signout").hidden = !token;
  const words = others.map((other) => inWords(other, labels()));
  if ($("tokens").textContent === words.flat().join("")) return; // so that no button goes from under a finger
  $("tokens").replaceChildren();
  others.forEach((other, i) => {
    const button = add(add($("tokens"), "li"), "button", "token");
    const [who, ...rest] = words[i];
    add(button, "strong", "", who);
    add(button, "span", "", rest.join(" · "));
    button.onclick = () => {
      saveTokens([other, ...kept.filter((one) => one !== other)]);
      begin(other);
    };
  });
}

$("noScript").remove();
for (const node of document.querySelectorAll("[data-text]")) node.textContent = TEXT[node.dataset.text];

$("entry").onsubmit = (event) => {
  event.preventDefault();
  const found = tokenIn($("pasted").value);
  if (!found) return token ? note(TEXT.notToken.join(" "), true) : tell(TEXT.notToken);
  $("pasted").value = "";
  if (!kept.length) keep(found);
  begin(found);
};

$("add").onclick = () => {
  $("entry").hidden = !$("entry").hidden && !$("pins").hidden; // a second tap thinks better of it
  $("pasted").focus();
};

$("signout").onclick = () => {
  const [who] = inWords(token, new Map());
  saveTokens(kept.filter((other) => other !== token));
  begin(kept[0] ?? null);
  note(TEXT.signedOut(who));
  if (!token) $("pasted").focus();
};

addEventListener("hashchange", takeFromAddress);
addEventListener("visibilitychange", awake);
addEventListener("pageshow", ({ persisted }) => persisted && awake()); // back by the browser's "Back"
addEventListener("online", follow);
addEventListener("offline", follow);
addEventListener("storage", ({ key, oldValue }) => {
  if (key !== KEY) return;
  loadTokens();
  // Another tab has signed out, or in.
  if (token ? oldValue?.includes(token) && !kept.includes(token) : kept.length) begin(kept[0] ?? null);
  else showHolder();
});
setInterval(() => {
  watch();
  countDown();
}, 250);
setInterval(showHolder, 1000);
loadTokens();
takeFromAddress() || begin(kept[0] ?? null);
