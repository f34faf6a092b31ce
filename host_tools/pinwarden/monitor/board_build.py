"""Whether a board runs the sources that are here: it is asked over the network, beside other work."""

from __future__ import annotations

import threading

from pinwarden.deploy.release import build
from pinwarden.device import Device
from pinwarden.errors import UserError
from pinwarden.mint import host_for, mint_token
from pinwarden.signed import Client

_LIFE = 60  # seconds, of the token that asks
UNKNOWN = "It is not known whether the board runs these sources: the line numbers may be off."
OTHER = "The board runs another build than the one here: the line numbers may be off."


class BoardBuild:
    """The doubt that remains about a device's board; without a device it always does."""

    def __init__(self, device: Device | None) -> None:
        self.doubt: str | None = UNKNOWN  # None: it runs the sources that are here
        self._device = device
        self._thread: threading.Thread | None = None
        self._wanted = ""

    def ask(self) -> None:
        """Ask the board; `doubt` changes when it has answered. A question that is under way is enough."""
        if self._device is not None and (self._thread is None or not self._thread.is_alive()):
            self._thread = threading.Thread(target=self._ask, args=(self._device,), daemon=True)
            self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait for the answer to the last question, for so long at the most."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _ask(self, device: Device) -> None:
        try:
            token = mint_token(device, subject="pinwarden-monitor", scope=[], ttl=_LIFE)
            told = Client(device, host_for(device)[0]).send("GET", "/api/v1/device", token=token).data
            self._wanted = self._wanted or build(device).build  # everything is compiled for it
        except (UserError, OSError):
            return  # what was known of it stays
        theirs = told.get("build") if isinstance(told, dict) else None
        if isinstance(theirs, str):
            self.doubt = None if theirs == self._wanted else OTHER
