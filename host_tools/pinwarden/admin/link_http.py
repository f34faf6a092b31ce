"""A board's administration over HTTP: requests signed with admin tokens that live for a minute."""

from __future__ import annotations

import contextlib
import json
import time
from urllib.parse import quote

from pinwarden import keys, routes
from pinwarden.admin import audit
from pinwarden.admin.audit import Trail
from pinwarden.call import Answer
from pinwarden.device import Device
from pinwarden.errors import CannotRotate, Refused
from pinwarden.keystore import Pending
from pinwarden.mint import is_loopback, mint_token
from pinwarden.remedies import explain
from pinwarden.signed import Client

TTL = 60  # seconds
SUBJECT = "pinwarden"  # in the board's audit log
_AUDIT = routes.API + "audit"
_CLOCK = routes.API + "clock"
_KEYS = routes.API + "keys"
_REVOCATIONS = routes.API + "revocations"
_PAGES = 20  # of an audit; a board has five
_OTHER_KEY = ("kid", "signature")  # reasons of a refusal that another key may not meet with


class HttpLink:
    """The board of `device` at "HOST[:PORT]"; see link.Link."""

    carries_secrets = False

    def __init__(self, device: Device, address: str) -> None:
        self._device = device
        self._client = Client(device, address)
        self._signer: dict | None = None

    def kids(self) -> list[str]:
        """GET /api/v1/keys."""
        return self._listed(self._ask("GET", _KEYS))

    def signer(self) -> dict:
        """The key that signed the last request."""
        return self._signer or self._device.keys()[-1]

    def add(self, pending: Pending) -> None:
        """POST /api/v1/keys: the board derives the key from one that it has."""
        if pending.source is None or pending.salt is None:
            raise ValueError("a random key does not go over HTTP")
        body = {"kid": pending.kid, "from": pending.source, "salt": keys.encode(pending.salt)}
        self._expect(self._ask("POST", _KEYS, body), 200, 201)

    def confirm(self, key: dict) -> None:
        """Show the board a token that the key signed: it proves more than a name in a list."""
        answer = self._send("GET", _KEYS, None, key)
        if _reason(answer) in _OTHER_KEY:
            raise CannotRotate(
                f"the board does not take what the new key {key['kid']} signs, so it is not used",
                f"Give it up: pinwarden keys retire {self._device.name} {key['kid']} - then rotate again.",
            )
        self._listed(answer)

    def retire(self, kid: str) -> None:
        """DELETE /api/v1/keys/KID."""
        self._expect(self._ask("DELETE", f"{_KEYS}/{quote(kid, safe='')}"), 204, 404)

    def revoke(self, what: dict) -> None:
        """POST /api/v1/revocations."""
        self._expect(self._ask("POST", _REVOCATIONS, what), 200, 201)

    def audit(self) -> Trail:
        """GET /api/v1/audit, page by page."""
        pages: list[Trail] = []
        query = "?limit=50"
        while True:
            answer = self._ask("GET", _AUDIT + query)
            self._expect(answer, 200)
            pages.append(audit.page(answer.body))
            if not pages[-1].records or len(pages) == _PAGES:
                return audit.joined(pages)
            query = f"?limit=50&before={pages[-1].records[-1].number}"

    def set_clock(self) -> None:
        """PUT /api/v1/clock, signed for the very time that is told: the board may know none, or another."""
        now = int(time.time())
        answer = self._ask("PUT", _CLOCK, {"now": now}, at=now)
        if answer.problem.get("code") == "bad_value":
            raise Refused(
                explain(answer, self._device)[0],
                "Is this computer's clock right? If it is, the board was led ahead. With the board in hand: "
                f"pinwarden clock {self._device.name} --set --usb",
            )
        self._expect(answer, 200)

    def _ask(self, method: str, path: str, body: dict | None = None, at: int | None = None) -> Answer:
        """One request, signed by the newest key that the board takes; `at` is that of Client.send().

        The board may lack the newest ones: keys.json is ahead of it until the next deployment.
        """
        if self._signer is not None:
            return self._send(method, path, body, self._signer, at)
        refusals = []
        for key in reversed(self._device.keys()):
            answer = self._send(method, path, body, key, at)
            if _reason(answer) not in _OTHER_KEY:
                self._signer = key
                return answer
            refusals.append(answer)
        return refusals[0]

    def _send(self, method: str, path: str, body: dict | None, key: dict, at: int | None = None) -> Answer:
        scope = routes.least_scope(method, path)
        token = mint_token(self._device, subject=SUBJECT, scope=scope, ttl=TTL, key=key)
        data = None if body is None else json.dumps(body).encode()
        answer = self._client.send(method, path, token=token, body=data, at=at)
        if 200 <= answer.status < 300 and isinstance(answer.data, dict):
            self._remember(answer)
        return answer

    def _listed(self, answer: Answer) -> list[str]:
        self._expect(answer, 200)
        try:
            return [str(key["kid"]) for key in answer.data["keys"]]  # type: ignore[index]
        except (KeyError, TypeError):
            raise Refused("the board's answer is no list of keys", "Is this a Pinwarden board?") from None

    def _expect(self, answer: Answer, *statuses: int) -> None:
        """Raise Refused unless the answer has one of these statuses."""
        if answer.status in statuses:
            return
        if answer.status == 404 and answer.problem.get("code") == "not_found":
            raise Refused(
                "the firmware on the board is too old: it does not know what it was asked",
                f"Deploy this version to it: pinwarden deploy {self._device.name}",
            )
        raise Refused(*explain(answer, self._device))

    def _remember(self, answer: Answer) -> None:
        if answer.peer is not None and not is_loopback(answer.peer[0]):
            # A folder that cannot be written is no reason to fail after all went well.
            with contextlib.suppress(OSError):
                self._device.remember(*answer.peer)


def _reason(answer: Answer) -> object:
    return answer.problem.get("reason") if answer.status == 401 else None
