"""The doctor's questions to a board over the network.

They change nothing on it, and disturb it no more than a phone's page does.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from pinwarden import boardlib
from pinwarden.address import trust
from pinwarden.call import Answer, send
from pinwarden.deploy.release import Release
from pinwarden.device import Device
from pinwarden.doctor import judge, tokens
from pinwarden.doctor.examination import (
    FAILED,
    HTTP,
    OK,
    Examination,
    Finding,
    failed,
    ok,
    skipped,
    warning,
)
from pinwarden.errors import Unreachable
from pinwarden.remedies import explain
from pinwarden.signed import Client

_DEVICE = "/api/v1/device"
_OF_TOKENS = "accepted forged expired audience bearer proof-only"
_OF_DEVICE = "version rolled-back clock signal heap flash crashes started chip micropython"
_REALM = re.compile(r'realm="([^"]{1,64})"')
_COMPILING = 15.0  # seconds; to know what a deployment would bring, everything is compiled

Ours = Callable[[], Release | None]


@dataclass
class Talk:
    """What was said between here and the board so far."""

    device: Device
    address: str
    status: str | None = None  # of /healthz: "ok", "clock_unset", "safe_mode" …; None where it does not tell
    misdirected: bool = False  # it is a board that does not answer by this address
    realm: str | None = None  # the name that the board has
    told: dict | None = None  # /api/v1/device
    heard: float = 0.0  # when it was told, Unix seconds
    peer: tuple[str, int] | None = None  # who told it: address and port

    def __post_init__(self) -> None:
        self._client = Client(self.device, self.address)

    def get(self, path: str, *, bearer: str | None = None) -> Answer:
        """Ask for something, with a token in the open or with none. Raises Unreachable."""
        return send(self.address, "GET", path, token=bearer, trust=trust(self.device))

    def signed(self, path: str, token: str) -> Answer:
        """Ask for something by a signed request. Raises Unreachable, and Refused for firmware too old."""
        return self._client.send("GET", path, token=token)


def examine(examination: Examination, talk: Talk, ours: Ours) -> bool:
    """Ask all of them; whether it was a board that answered.

    `ours()` is what a deployment would bring, None if nobody knows.
    """

    def ask(name: str, question: Callable[[], Finding], limit: float = 5.0) -> Finding:
        return examination.ask(HTTP, name, question, limit=limit)

    ask("healthz", lambda: healthz(talk))
    if talk.status in (None, "safe_mode"):
        why = "it is in safe mode" if talk.status else "no board answers"
        why = "it does not answer by this address" if talk.misdirected else why
        examination.skip(HTTP, f"no-token name {_OF_TOKENS} {_OF_DEVICE}", why)
        return talk.status is not None
    ask("no-token", lambda: without_token(talk))
    if ask("name", lambda: name(talk)).state != OK:
        # It gets no token of ours: a web server of somebody else's may have a /healthz, too.
        examination.skip(HTTP, f"{_OF_TOKENS} {_OF_DEVICE}", "it is another board, or none")
        return True
    ask("accepted", lambda: accepted(talk))
    _ask_forgeries(examination, talk)
    takes_good = examination.state(HTTP, "accepted") == OK
    ask("bearer", lambda: bearer(talk, takes_good=takes_good))
    ask("proof-only", lambda: proof_only(talk, takes_good=takes_good))
    if talk.told is None:
        examination.skip(HTTP, _OF_DEVICE, "the board tells that to nobody without a good token")
    else:
        _judge_device(examination, talk, talk.told, ours)
    return True


def skip_all(examination: Examination, why: str) -> None:
    """Note why nothing was asked."""
    examination.skip(HTTP, f"healthz no-token name {_OF_TOKENS} {_OF_DEVICE}", why)


def healthz(talk: Talk) -> Finding:
    """What the board says of itself to anybody. Raises Unreachable."""
    began = time.monotonic()
    answer = _ask_healthz(talk)
    took = time.monotonic() - began
    status = judge.text(answer.problem.get("status"), 40)
    if status is None:
        message, remedy = explain(answer, talk.device)
        talk.misdirected = answer.problem.get("code") == "misdirected"
        if talk.misdirected:
            return failed(f"a board is there, but does not answer by that name: {message}", remedy)
        return failed(f"what answers there is no board, or a busy one: {message}", remedy)
    talk.status = status
    if answer.status == 200:
        told = answer.problem.get("warnings")
        if isinstance(told, list) and told:
            names = ", ".join(judge.text(name, 40) or "?" for name in told[:10])
            return warning(
                f"{status}, but it warns of {names}",
                "A file was damaged, or cannot be written: see Damaged files in docs/http-api.md.",
            )
        return ok(f"{status}, in {took * 1000:.0f} ms")
    if status == "clock_unset":
        return judge.clock(None, None, 0, talk.device)
    problems = answer.problem.get("problems")
    listed = [judge.text(problem) or "?" for problem in problems] if isinstance(problems, list) else []
    return failed(
        "\n".join([status.replace("_", " "), *listed[:10]]),
        f"Mend it, then: pinwarden deploy {talk.device.name}",
    )


def _ask_healthz(talk: Talk) -> Answer:
    try:
        return talk.get("/healthz")
    except Unreachable:
        if trust(talk.device) is None:
            raise
        # In safe mode a board speaks plain HTTP: its certificate may be what is wrong.
        with contextlib.suppress(Unreachable):
            answer = send(talk.address, "GET", "/healthz")
            if answer.problem.get("status") == "safe_mode":
                return answer
        raise


def without_token(talk: Talk) -> Finding:
    """Whether the board refuses a request without a token; its name comes with the refusal."""
    answer = talk.get(_DEVICE)
    if match := _REALM.search(answer.headers.get("www-authenticate", "")):
        talk.realm = match[1]
    elif answer.status == 200:  # a board that asks for no token: it is judged by what it says then
        talk.realm = judge.text(judge.member(answer.data, "name"), 64)
    return tokens.judge_none(answer, talk.device)


def name(talk: Talk) -> Finding:
    """Whether it is the right board."""
    if talk.realm is None:
        return failed(
            f"what answers at {talk.address} does not say that it is {talk.device.name}",
            "Is this the board's address? Give the right one by --address.",
        )
    if talk.realm != talk.device.name:
        return failed(
            f"the board at {talk.address} is {talk.realm}, not {talk.device.name}",
            f"Give the right one by --address; or, if it is to be {talk.device.name}: "
            f"pinwarden deploy {talk.device.name}",
        )
    return ok(talk.realm)


def accepted(talk: Talk) -> Finding:
    """Whether a token of here is good there; and what the board tells to it."""
    device = talk.device
    finding = tokens.judge_good(_ask_device(talk, tokens.good(device)), device)
    if finding.state == FAILED:
        # By its own clock a board refuses what is good by ours. How wrong it is can be told all the same.
        _ask_device(talk, tokens.good_by_any_clock(device, int(time.time())))
    return finding


def bearer(talk: Talk, *, takes_good: bool) -> Finding:
    """Whether tokens are taken, or refused, where they are sent themselves, as policy.bearer wants it."""
    device = talk.device
    if not device.settings["policy"]["bearer"]:
        # One that is worth nothing to whoever records it.
        answer = talk.get(_DEVICE, bearer=tokens.forgeries(device, int(time.time()))[0].token)
        return tokens.judge_disabled(answer, device)
    if not takes_good:
        return skipped("it takes no token of here in a signed request, either")
    return tokens.judge_bearer(talk.get(_DEVICE, bearer=tokens.good(device)), device)


def proof_only(talk: Talk, *, takes_good: bool) -> Finding:
    """Whether a token for signed requests only is refused as a bearer."""
    if not talk.device.settings["policy"]["bearer"]:
        return skipped("no bearer is to be taken at all")
    forgery = tokens.shown_proof(talk.device)
    answer = talk.get(_DEVICE, bearer=forgery.token)
    return tokens.judge_forgery(answer, forgery, talk.device, takes_good=takes_good)


def _ask_device(talk: Talk, token: str) -> Answer:
    answer = talk.signed(_DEVICE, token)
    if answer.status == 200 and isinstance(answer.data, dict):
        talk.told, talk.heard, talk.peer = answer.data, time.time(), answer.peer
    return answer


def _ask_forgeries(examination: Examination, talk: Talk) -> None:
    forgeries: list[tokens.Forgery] = []
    takes_good = examination.state(HTTP, "accepted") == OK

    def question(number: int) -> Finding:
        if not forgeries:
            forgeries.extend(tokens.forgeries(talk.device, int(time.time())))
        forgery = forgeries[number]
        answer = talk.signed(_DEVICE, forgery.token)
        return tokens.judge_forgery(answer, forgery, talk.device, takes_good=takes_good)

    for number, check in enumerate(tokens.FORGERIES):
        examination.ask(HTTP, check, lambda number=number: question(number))


def _judge_device(examination: Examination, talk: Talk, told: dict, ours: Ours) -> None:
    """What the board told, part by part."""
    device = talk.device
    get = lambda *path: judge.member(told, *path)  # noqa: E731
    wrong_chip = "Set chip in device.toml to what the board is; its pins differ."
    for check, question in (
        ("version", lambda: _version(told, ours(), device.name)),
        ("rolled-back", lambda: judge.rolled_back(get("rolled_back"), device.name)),
        ("clock", lambda: judge.clock(get("clock", "now"), get("clock", "source"), talk.heard, device)),
        ("signal", lambda: _signal(get("signal_dbm"), get("network"))),
        ("heap", lambda: judge.heap(get("heap", "free"))),
        ("flash", lambda: judge.flash(get("flash", "free"), get("flash", "size"))),
        ("crashes", lambda: judge.crashes(get("crashes"))),
        ("started", lambda: judge.started(get("uptime_s"), get("reset_cause"), int(talk.heard))),
        ("chip", lambda: judge.chip(get("chip"), device.settings["chip"], wrong_chip)),
        ("micropython", lambda: judge.micropython(get("micropython"))),
    ):
        examination.ask(HTTP, check, question, limit=_COMPILING)


def _version(told: dict, release: Release | None, name: str) -> Finding:
    mine = (boardlib.version(), release.build if release else None)
    return judge.version(told.get("version"), told.get("build"), told.get("slot"), mine, name)


def _signal(dbm: object, network: object) -> Finding:
    if network == "setup":
        return warning(
            "the board is in setup mode: it has a network of its own, as it reaches no other",
            "Give it the right network (secrets/wifi.toml), then deploy.",
        )
    return judge.signal(dbm)
