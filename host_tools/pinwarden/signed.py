"""Signed requests to a board: what every tool sends that needs a token (docs/signed-requests.md).

The token never crosses the air, so there is no way back from here to sending it as a bearer: whoever stands
between could ask for that.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from pinwarden.address import trust
from pinwarden.call import Answer, send, url_for
from pinwarden.device import Device
from pinwarden.errors import NotAToken, Refused
from pinwarden.proof import sign

CHALLENGE = "/api/v1/challenge"
WINDOW = 300  # seconds that `created` may be from the board's time; firmware/proof.py has the same
_NEAR = 60  # seconds: a board's clock that is less off is not followed
_NONCE = re.compile(r"[A-Za-z0-9_-]{16}")
_IN_FIELD = re.compile(r'\bnonce="([A-Za-z0-9_-]{16})"')
_NO_ROUTE = ("not_found", "missing_token")  # what firmware says to it that knows no signed requests
# No challenge of any board. A request under it does nothing but bring the one of now: it is refused as stale.
_GUESS = "A" * 16


class Client:
    """Sends signed requests to the board of `device` at "HOST[:PORT]", and remembers its challenge.

    `clock` tells Unix seconds.
    """

    def __init__(self, device: Device, address: str, clock: Callable[[], float] = time.time) -> None:
        self._device = device
        self._address = address
        self._trust = trust(device)
        self._clock = clock
        self._challenge: str | None = None
        self._ahead = 0  # seconds that the board's clock is ahead of this computer's

    def send(
        self,
        method: str,
        path: str,
        *,
        token: str,
        body: bytes | None = None,
        at: int | None = None,
        heard: Callable[[str], None] | None = None,
    ) -> Answer:
        """Send a request that is signed with the token. The board's refusals are answers, too.

        It is signed again, once, with the challenge of now: what the board has refused for that, it has not
        done. What only asks is signed again for a clock that is off, too, once: of a command there would be
        two good signatures under one challenge then, and who stands between could play the other one later;
        so it is refused, and the next one is right. `at` (Unix seconds) is the time to sign for, whatever the
        board's clock says; `heard` is for streams, see call.send. Raises Unreachable, NotAToken, and Refused
        for firmware that takes no signed requests.
        """
        challenge = self._challenge or self._ask()
        renewed = corrected = False
        while True:
            created = int(self._clock()) + self._ahead if at is None else at
            answer = self._send(method, path, token, body, challenge, created, heard)
            code = answer.problem.get("code") if answer.status == 401 else None
            if code == "stale_nonce" and not renewed:
                # Two signatures under one challenge are two commands. A board has no reason to want that.
                if (fresh := _nonce(answer)) in (None, challenge):
                    return answer
                challenge, renewed = str(fresh), True
            elif code == "created_out_of_window" and not corrected and at is None:
                now = answer.problem.get("now")
                if type(now) is not int or abs(now - created) <= WINDOW:
                    return answer  # nor to want another `created` for one that is good
                self._follow(now)
                if method not in ("GET", "HEAD"):
                    self._challenge = challenge
                    return answer
                corrected = True
            else:
                self._challenge = challenge
                return answer

    def _send(
        self,
        method: str,
        path: str,
        token: str,
        body: bytes | None,
        challenge: str,
        created: int,
        heard: Callable[[str], None] | None,
    ) -> Answer:
        url = url_for(self._address, path, secure=self._trust is not None)
        host, target = url.netloc.decode("ascii"), url.raw_path.decode("ascii")
        try:
            fields = sign(
                token,
                method,
                host,
                target,
                body or b"",
                challenge=challenge,
                created=created,
                scheme=url.scheme,
            )
        except ValueError as error:
            raise NotAToken(
                f"no request can be signed with this token: it has {error}",
                "Copy it whole. A token of another kind than HS256 can be sent as a bearer only: --bearer",
            ) from None
        return send(self._address, method, path, fields=fields, body=body, trust=self._trust, heard=heard)

    def _ask(self) -> str:
        """The board's challenge, or a guess where it does not tell: the answer to that tells, if it can."""
        answer = send(self._address, "GET", CHALLENGE, trust=self._trust)
        if answer.status in (401, 404) and answer.problem.get("code") in _NO_ROUTE:
            raise Refused(
                "the firmware on the board takes no signed requests: it is too old",
                f"Deploy this version to it: pinwarden deploy {self._device.name}",
            )
        told = answer.data if isinstance(answer.data, dict) else {}
        nonce, now = told.get("nonce"), told.get("now")
        if answer.status != 200 or not isinstance(nonce, str) or not _NONCE.fullmatch(nonce):
            return _GUESS
        if type(now) is int:
            self._follow(now)
        return nonce

    def _follow(self, now: int) -> None:
        """Sign for the board's time from now on, if it is another than here."""
        ahead = now - int(self._clock())
        self._ahead = ahead if abs(ahead) > _NEAR else 0


def _nonce(answer: Answer) -> str | None:
    """The challenge of now, which comes with a refusal."""
    match = _IN_FIELD.search(answer.headers.get("www-authenticate", ""))
    return match[1] if match else None
