"""One request to a board, and its answer."""

from __future__ import annotations

import codecs
import json
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

import httpx

from pinwarden.address import Trust
from pinwarden.errors import BadRequest, Unreachable

CONNECT_TIMEOUT = 5.0  # seconds; a board that is there answers in milliseconds, mDNS may take a second or two
ANSWER_TIMEOUT = 10.0  # seconds; the board itself gives up on a request after 5
MAX_ANSWER = 1 << 20  # octets; a board has no room for more, so something else would be answering
_HARMLESS = ("GET", "HEAD", "OPTIONS")  # nothing comes of asking twice
_ADDRESS = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?")


@dataclass(frozen=True)
class Answer:
    """A board's answer; `peer` is the address and port that gave it, where that is known."""

    status: int
    headers: httpx.Headers
    body: bytes
    peer: tuple[str, int] | None

    @property
    def data(self) -> object:
        """The body as JSON, or None."""
        if "json" not in self.headers.get("content-type", ""):
            return None
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def problem(self) -> dict:
        """The body as a problem (RFC 9457), empty where it is none."""
        data = self.data
        return data if isinstance(data, dict) else {}

    @property
    def phrase(self) -> str:
        """ "200 OK" """
        try:
            return f"{self.status} {HTTPStatus(self.status).phrase}"
        except ValueError:
            return str(self.status)


def check_address(address: str) -> None:
    """Raise BadRequest unless the text is HOST or HOST:PORT, which is also what the Host field will say."""
    match = _ADDRESS.fullmatch(address)
    if not match or not 0 < int(match.group(1) or 80) < 65536:
        raise BadRequest(
            f"{address!r} is no address",
            "Write HOST or HOST:PORT, for example 192.168.1.20 or 127.0.0.1:8080.",
        )


def url_for(address: str, path: str, *, secure: bool = False) -> httpx.URL:
    """Where a request goes: `netloc` is what its Host field will say, `raw_path` its target, as it is sent.

    Raises BadRequest.
    """
    text = f"{'https' if secure else 'http'}://{address}{path}"
    try:
        return httpx.URL(text)
    except (httpx.InvalidURL, UnicodeError):
        raise BadRequest(f"{text} is no address") from None


def send(
    address: str,
    method: str,
    path: str,
    *,
    token: str | None = None,
    fields: Mapping[str, str] | None = None,
    body: bytes | None = None,
    trust: Trust | None = None,
    heard: Callable[[str], None] | None = None,
) -> Answer:
    """Send one request to "HOST[:PORT]", once. `token` goes as a bearer, for all the network to read;
    `fields` are further ones of its head (signed.py). With `trust` (address.trust) it goes by HTTPS.
    `heard` gets the text of a stream of events as it comes; the answer is without it then.

    Raises Unreachable when no answer comes, whatever the reason.
    """
    # No compression: a few octets could stand for all of this computer's memory.
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Connection": "close",
        "User-Agent": "pinwarden",
    }
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    headers |= fields or {}
    if body is not None:
        headers["Content-Type"] = "application/json"
    timeout = httpx.Timeout(ANSWER_TIMEOUT, connect=CONNECT_TIMEOUT)
    url = url_for(address, path, secure=trust is not None)
    verify = trust.context if trust else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # which trusts nobody
    extensions = {"sni_hostname": trust.name} if trust else None
    try:
        # trust_env: a proxy of the environment would be handed the token. No redirects, for the same reason.
        with (
            httpx.Client(timeout=timeout, trust_env=False, follow_redirects=False, verify=verify) as client,
            client.stream(method, url, headers=headers, content=body, extensions=extensions) as response,
        ):
            peer = _peer(response)  # before the body, at whose end the socket is closed
            if heard and response.headers.get("content-type") == "text/event-stream":
                _follow(response, heard)
                return Answer(response.status_code, response.headers, b"", peer)
            return Answer(response.status_code, response.headers, _read(response), peer)
    except httpx.HTTPError as error:
        raise _unreachable(address, method, error, secure=trust is not None) from None


def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > MAX_ANSWER:
            raise httpx.RemoteProtocolError("the answer does not end")
    return bytes(body)


def _follow(response: httpx.Response, heard: Callable[[str], None]) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for chunk in response.iter_raw():
        heard(decoder.decode(chunk))


def _peer(response: httpx.Response) -> tuple[str, int] | None:
    try:
        peer = response.extensions["network_stream"].get_extra_info("server_addr")
        return peer[0], peer[1]
    except (OSError, KeyError, TypeError):
        return None


def _unreachable(address: str, method: str, error: httpx.HTTPError, *, secure: bool) -> Unreachable:
    host = address.partition(":")[0]
    if isinstance(error, httpx.ConnectTimeout):
        what, hint = (
            "nothing answers there",
            "Is the board on, and on this network? Its router knows its address; give it by --address.",
        )
    elif (refused := _tls_reason(error)) is not None:
        what, hint = refused
    elif isinstance(error, httpx.ConnectError):
        what = f"no connection ({_plain_reason(error)})"
        hint = "Is the board on, and on this network? Is this still its address? Give another by --address."
        if host.endswith(".local"):
            hint = f"Is the board on? Where {host} is not found, give its address by --address."
    elif isinstance(error, httpx.TimeoutException):
        what = f"connected, but no answer within {ANSWER_TIMEOUT:.0f} s"
        hint = "The board may be busy, or something else has its address. Try again."
    elif isinstance(error, httpx.RemoteProtocolError):
        what, hint = (
            "what answers there does not speak HTTP as a board does, or it broke off",
            "Is this the board's address and port? One that restarts is back in seconds.",
        )
    else:
        what, hint = (
            f"the connection broke ({_plain_reason(error)})",
            "Try again; a board that restarts is back in seconds.",
        )
    if not secure and isinstance(error, httpx.RemoteProtocolError | httpx.ReadError):
        hint += " Or does it speak HTTPS? Then put tls = true under [http] in device.toml."
    if method not in _HARMLESS and not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        hint = f"Whether the board has done it is not known: look before you ask again. {hint}"
    return Unreachable(f"{address}: {what}", hint)


def _tls_reason(error: BaseException) -> tuple[str, str] | None:
    """What is wrong with the other side's TLS, and what to do; None if that is not what is wrong."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not the device's ({cause.verify_message.lower()})",
            "Is it the right board? If it has an old certificate: pinwarden deploy. Nothing was sent to it.",
        )
    if cause is not None:
        return (
            "what answers there does not speak HTTPS",
            "Has the board been deployed with tls = true? Is this its port? In safe mode it speaks HTTP: "
            "pinwarden doctor understands it.",
        )
    return None


def _plain_reason(error: Exception) -> str:
    text = str(error).partition("] ")[2] or str(error)
    return text[:1].lower() + text[1:] if text else type(error).__name__
