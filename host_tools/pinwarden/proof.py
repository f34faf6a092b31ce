"""Signed requests, as a client makes them: the token's signature never crosses the air.

docs/signed-requests.md defines the wire; firmware/proof.py is the other side. HTTP Message Signatures
(RFC 9421) with hmac-sha256, keyed by the token's own signature; Content-Digest by RFC 9530.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from urllib.parse import urlsplit

_COMPONENTS = '("@method" "@authority" "@path" "@query" "authorization" "content-digest")'
_SIGNATURE = re.compile(r"[A-Za-z0-9_-]{43}")  # 32 octets: that of HS256
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_OWN_BYTES = 12  # of the nonce: no two requests of a challenge's life have the same


def sign(
    token: str,
    method: str,
    authority: str,
    target: str,
    body: bytes,
    *,
    challenge: str,
    created: int,
    own: str | None = None,
    scheme: str = "http",
) -> dict[str, str]:
    """The header fields that make a request a signed one.

    `authority` is what the Host field will say, `target` the path with its query as they will be sent,
    `challenge` the board's, `created` Unix seconds by the board's clock. `own` is the client's part of the
    nonce, random if it is left out. Raises ValueError for a token that is not three segments, or whose
    signature is none of HS256.
    """
    head, signature = _split(token)
    url = urlsplit(target)
    own = own or base64.urlsafe_b64encode(secrets.token_bytes(_OWN_BYTES)).decode()
    params = (
        f'{_COMPONENTS};created={created};keyid="token";alg="hmac-sha256";nonce="{challenge}.{own}"'
        ';tag="pinwarden"'
    )
    authorization = f"Pinwarden {head}"
    digest = f"sha-256=:{_b64(hashlib.sha256(body).digest())}:"
    base = "\n".join(
        (
            f'"@method": {method}',
            f'"@authority": {authority.lower().removesuffix(_DEFAULT_PORTS[scheme])}',
            f'"@path": {url.path}',
            f'"@query": ?{url.query}',
            f'"authorization": {authorization}',
            f'"content-digest": {digest}',
            f'"@signature-params": {params}',
        )
    )
    mac = hmac.new(signature, base.encode(), hashlib.sha256).digest()
    return {
        "Authorization": authorization,
        "Content-Digest": digest,
        "Signature-Input": f"pw={params}",
        "Signature": f"pw=:{_b64(mac)}:",
    }


def _split(token: str) -> tuple[str, bytes]:
    """Header and payload as they stand there, and the octets of the signature."""
    head, dot, signature = token.rpartition(".")
    if not dot or head.count(".") != 1:
        raise ValueError("not three segments")
    if not _SIGNATURE.fullmatch(signature):
        raise ValueError("not a signature of 32 octets")
    return head, base64.urlsafe_b64decode(signature + "=")


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
