"use strict";

// Signed requests, as docs/signed-requests.md defines them: the token's signature is the key, and stays here.

/** The header fields of a signed request. */
function sign(token, method, path, body = "") {
  const [, head, key] = /(.+)\.(.+)/.exec(token);
  const [route, query = ""] = path.split("?");
  const authorization = "Pinwarden " + head;
  const digest = `sha-256=:${toBase64(sha256(utf8(body)))}:`;
  const created = Math.max(1e9, boardTime()); // ten digits, whatever clocks say
  const own = toBase64url(crypto.getRandomValues(new Uint8Array(12)));
  const params =
    '("@method" "@authority" "@path" "@query" "authorization" "content-digest")' +
    `;created=${created};keyid="token";alg="hmac-sha256";nonce="${challenge}.${own}";tag="pinwarden"`;
  const base = [
    `"@method": ${method}`,
    `"@authority": ${location.host}`,
    `"@path": ${route}`,
    `"@query": ?${query}`,
    `"authorization": ${authorization}`,
    `"content-digest": ${digest}`,
    `"@signature-params": ${params}`,
  ].join("\n");
  return {
    Authorization: authorization,
    "Content-Type": "application/json",
    "Content-Digest": digest,
    "Signature-Input": "pw=" + params,
    Signature: `pw=:${toBase64(hmacSha256(fromBase64url(key), utf8(base)))}:`,
  };
}

const utf8 = (text) => new TextEncoder().encode(text);
const toBase64 = (octets) => btoa(String.fromCharCode(...octets));
const toBase64url = (octets) => toBase64(octets).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");

function fromBase64url(text) {
  return Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt());
}
