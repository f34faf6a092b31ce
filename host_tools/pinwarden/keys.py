"""The keys that sign tokens: JSON Web Keys (RFC 7517, RFC 7518 section 6.4) in secrets/keys.json.

The oldest comes first. The newest signs; the older ones stay until the tokens that they signed have expired.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from pathlib import Path

from pinwarden import boardlib
from pinwarden.errors import BadSecrets, WeakKey
from pinwarden.files import PRIVATE_FILE, read_text, short, write_atomic

KEY_BYTES = 32  # as long as the hash; RFC 7518 section 3.2 allows no fewer


def generate(kid: str) -> dict:
    """A new key, of random bytes from the operating system."""
    return jwk(kid, secrets.token_bytes(KEY_BYTES))


def jwk(kid: str, secret: bytes) -> dict:
    """These bytes as a key."""
    return {"kty": "oct", "kid": kid, "alg": "HS256", "k": encode(secret)}


def encode(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def next_kid(taken: list[str], now: int) -> str:
    """A name for a new key: its month, "2026-11", then "2026-11-2" and so on."""
    month = time.strftime("%Y-%m", time.gmtime(now))
    kid, count = month, 1
    while kid in taken:
        count += 1
        kid = f"{month}-{count}"
    return kid


def read(path: Path) -> list[dict]:
    """The members of a JWK Set as they stand there. Raises BadSecrets, ExposedSecret or UnreadableFile."""
    remedy = 'The file is a JWK Set: {"keys": [{"kty": "oct", "kid": "…", "alg": "HS256", "k": "…"}]}.'
    try:
        data = json.loads(read_text(path, private=True), object_pairs_hook=_no_duplicates)
    except json.JSONDecodeError as error:
        raise BadSecrets(f"{short(path)}:{error.lineno}: not JSON: {error.msg}", remedy) from None
    except (ValueError, RecursionError):
        raise BadSecrets(
            f"{short(path)}: a member stands twice in one object, or objects nest too deep", remedy
        ) from None
    keys = data.get("keys") if isinstance(data, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise BadSecrets(f"{short(path)}: there is no list of keys in it", remedy)
    if not keys:
        raise BadSecrets(f"{short(path)}: the list of keys is empty", "Put the file back from a backup.")
    return keys


def write(path: Path, keys: list[dict]) -> None:
    """Replace the file, which only its owner may read, in one step."""
    write_atomic(path, (json.dumps({"keys": keys}, indent=2) + "\n").encode(), PRIVATE_FILE)


def secret(jwk: dict) -> bytes:
    """The key's bytes. Raises ValueError when "k" is not base64url as RFC 7515 section 2 wants it."""
    return boardlib.lib("base64url").decode(jwk["k"].encode())


def board_key(jwk: dict, where: str):
    """The key as the board's verifier holds it; `where` is for the message.

    Raises WeakKey for what the board would refuse.
    """
    jwt = boardlib.lib("jwt")
    try:
        return jwt.Key(secret(jwk), kid=jwk["kid"], alg=jwk["alg"])
    except ValueError as error:  # KeyRejected is one, Base64Error is one; neither shows the key
        raise WeakKey(
            f"{where}: the board would refuse the key {jwk['kid']!r}: {error}",
            "A key is 32 random bytes or more. Replace it; the tokens that it signed end with it.",
        ) from None


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("duplicate member")
    return dict(pairs)
