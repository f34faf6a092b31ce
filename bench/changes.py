"""What is changed on a board while its power may go: revocations, keys, the time; and the state that each
change makes of the one before.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bench.asking import AN_HOUR, NAME, signed
from pinwarden import keys
from pinwarden.admin import hkdf

FIRST = ("first", bytes(range(1, 33)))  # the key that a new board has
LAG = 300  # seconds by which the clock's mark is behind an administrator's time
MOST_KEYS = 4


@dataclass
class State:
    """What a board has to know: `keys` by name, oldest first; `retired` names; what is revoked; how late it
    is at least.
    """

    keys: dict[str, bytes] = field(default_factory=lambda: dict([FIRST]))
    retired: list[str] = field(default_factory=list)
    jtis: dict[str, int] = field(default_factory=dict)
    subs: dict[str, int] = field(default_factory=dict)
    before: int = -1
    mark: int = 0  # Unix seconds

    @property
    def newest(self) -> str:
        """The name of the key that signs."""
        return list(self.keys)[-1]

    def token(self, scope: str, kid: str | None = None, **claims: Any) -> str:
        """A token of the newest key, or of `kid`."""
        kid = kid or self.newest
        return signed(self.keys[kid], kid, scope, **claims)

    def told(self) -> dict[str, Any]:
        """What a board of this state tells."""
        return {
            "keys": self.keys,
            "retired": sorted(self.retired),
            "jtis": self.jtis,
            "subs": self.subs,
            "before": self.before,
        }

    def prune(self) -> None:
        """Forget the subjects whose time has passed for everybody."""
        self.subs = {sub: before for sub, before in self.subs.items() if before > self.before}


@dataclass(frozen=True)
class Change:
    """A request, and what it makes of the state when it is done."""

    method: str
    path: str
    body: dict[str, Any] | None
    do: Callable[[State], None]
    signer: str | None = None  # the key of its token, if it is not the newest
    is_signed: bool = False  # a signed request, as the time has to come by


class Changes:
    """Changes by `chance`, each with a name of its own."""

    def __init__(self, chance: random.Random) -> None:
        self._random = chance
        self._number = 0  # of the last name that was given

    def next(self, state: State) -> Change:
        """What is asked of a board of this state."""
        self._number += 1
        name = f"n{self._number}"
        choices = [
            self._revoke_token,
            self._revoke_token,
            self._revoke_subject,
            self._revoke_all,
            self._tell_time,
        ]
        if len(state.keys) < MOST_KEYS:
            choices += [self._derive]
        if len(state.keys) > 1:
            choices += [self._retire]
        return self._random.choice(choices)(state, name)

    def _revoke_token(self, state: State, name: str) -> Change:
        until = int(time.time()) + AN_HOUR
        body = {"jti": name, "until": until}
        return Change("POST", "revocations", body, lambda state: state.jtis.update({name: until}))

    def _revoke_subject(self, state: State, name: str) -> Change:
        # So few that they come again, and later than before.
        sub, before = f"s{self._number % 8}", int(time.time()) - AN_HOUR + self._number % 1000
        body = {"sub": sub, "before": before}

        def do(state: State) -> None:
            state.subs[sub] = max(before, state.subs.get(sub, 0))
            state.prune()

        return Change("POST", "revocations", body, do)

    def _revoke_all(self, state: State, name: str) -> Change:
        before = int(time.time()) - 2 * AN_HOUR + self._random.randint(0, AN_HOUR)

        def do(state: State) -> None:
            state.before = max(before, state.before)
            state.prune()

        return Change("POST", "revocations", {"before": before}, do)

    def _tell_time(self, state: State, _name: str) -> Change:
        now = int(time.time())

        def do(state: State) -> None:
            state.mark = max(state.mark, now - LAG)

        return Change("PUT", "clock", {"now": now}, do, is_signed=True)

    def _derive(self, state: State, name: str) -> Change:
        source, salt = self._random.choice(list(state.keys)), self._random.randbytes(32)
        secret = hkdf.derive(state.keys[source], salt, device=NAME, kid=name)
        body = {"kid": name, "from": source, "salt": keys.encode(salt)}
        return Change("POST", "keys", body, lambda state: state.keys.update({name: secret}))

    def _retire(self, state: State, name: str) -> Change:
        kid, signer = self._random.sample(list(state.keys), 2)

        def do(state: State) -> None:
            del state.keys[kid]
            state.retired.append(kid)

        return Change("DELETE", f"keys/{kid}", None, do, signer)
