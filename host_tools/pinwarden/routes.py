"""The HTTP interface as a client sees it: short paths, and the least scope that each request needs."""

from __future__ import annotations

import re

from pinwarden.errors import BadRequest

API = "/api/v1/"
METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS")
_CHALLENGE = "/api/v1/challenge"
OPEN = ("/", "/healthz", _CHALLENGE)  # paths that ask for no token
_KEY = "/api/v1/keys/"
_PIN = re.compile(r"/api/v1/pins/([^/?]+)(?:/[^/?]+)?")
_SCOPES = {
    "/api/v1/pins": "pins:read",
    "/api/v1/events": "pins:read",
    "/api/v1/audit": "audit:read",
    "/api/v1/keys": "admin",
    "/api/v1/clock": "admin",
    "/api/v1/revocations": "admin",
    "/api/v1/tokens": "admin",
}


def full_path(path: str) -> str:
    """ "pins/relay" -> "/api/v1/pins/relay"; a path that starts with "/" stays as it is.

    Raises BadRequest for what is no path.
    """
    if "://" in path or path.startswith("//"):
        raise BadRequest(
            f"{path!r} is a whole address", "Give only the path; --address says where the board is."
        )
    if not re.fullmatch(r"[!-~]+", path) or "#" in path:
        raise BadRequest(
            f"{path!r} is no path", "Write, for example, pins/relay/toggle; percent-encode other characters."
        )
    if path.startswith("/"):
        return path
    return "/healthz" if path == "healthz" else API + path.removeprefix("api/v1/")


def least_scope(method: str, path: str) -> list[str]:
    """The scopes that this request needs, and no more. Empty: any valid token will do."""
    plain = path.partition("?")[0].rstrip("/")
    if plain in _SCOPES:
        return [_SCOPES[plain]]
    if plain.startswith(_KEY):
        return ["admin"]
    if match := _PIN.fullmatch(plain):
        return [f"pins:{'read' if method in ('GET', 'HEAD') else 'write'}:{match.group(1)}"]
    return []


def needs_token(path: str) -> bool:
    """Whether the board asks for a token here: everywhere but for the page, its health and the challenge."""
    plain = path.partition("?")[0]
    return plain.startswith(API) and plain != _CHALLENGE
