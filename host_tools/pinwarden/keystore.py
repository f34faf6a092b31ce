"""The keys of a device folder while they change: one change at a time, and none lost half-way.

secrets/keys.json     the keys that the tools know, oldest first; the newest signs
secrets/pending.json  a key on its way to the board. It is here before the board hears of it, and until it
                      stands in keys.json: whatever interrupts a rotation, the next goes on with the same key
secrets/retired.json  the names of keys that are not to come back; no secret is in it
.pinwarden/rotations.json  when each key began to sign; a note, which may be lost

Every step is one atomic replacement of one file, on the disk before the next step begins. So each state that
a crash can leave is one that the next run finds again:

    pending.json alone               the board may have the key, or not: adding it again changes nothing
    pending.json, and in keys.json   the rotation is done but for the removal of pending.json
    in retired.json and in keys.json the board no longer has the key: retiring it again ends it
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pinwarden import boardlib, keys
from pinwarden.errors import BadSecrets, KeysBusy
from pinwarden.files import PRIVATE_FILE, PRIVATE_FOLDER, read_text, short, sync_folder, write_atomic

if TYPE_CHECKING:
    from pinwarden.device import Device

LOCK_FILE = "keys.lock"
NOTES_FILE = "rotations.json"
_PENDING_REMEDY = "Remove it; then see what the board has with: pinwarden keys list"
_RETIRED_REMEDY = 'The file is a list of names: {"keys": …} is keys.json, this one is {"kids": ["…"]}.'


@dataclass(frozen=True)
class Pending:
    """A key on its way to the board, a JWK.

    Derived from the key named `source` with `salt`; or random, and both are None. `replaces` names a key that
    was on its way before it and is to go from the board, should it be there; it has never signed anything.
    """

    key: dict
    source: str | None = None
    salt: bytes | None = None
    replaces: str | None = None

    @property
    def kid(self) -> str:
        """The key's name."""
        return self.key["kid"]


class Keystore:
    """The files of one device. What writes is called while `locked()` holds."""

    def __init__(self, device: Device) -> None:
        self._device = device

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other process from changing these keys. Raises KeysBusy when one is at it.

        The lock is the system's: it ends with the process, however that ends.
        """
        folder = _state_folder(self._device)
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
        try:
            if not _lock(descriptor):
                raise KeysBusy(
                    f"another pinwarden is changing the keys of {self._device.name} at this moment",
                    "Wait until it has ended.",
                )
            self._remove_leftovers()
            yield
        finally:
            os.close(descriptor)

    def begin(self, pending: Pending) -> None:
        """Note the key that the board is about to get. Nothing of it may have left this computer before."""
        data = {
            "key": pending.key,
            "from": pending.source,
            "salt": None if pending.salt is None else keys.encode(pending.salt),
            "replaces": pending.replaces,
        }
        _write(self._device.pending_file, data)

    def commit(self, pending: Pending, now: int) -> None:
        """Let the key, which the board has, sign from `now` (Unix seconds) on."""
        known = self._device.keys()
        if pending.kid not in [key["kid"] for key in known]:
            keys.write(self._device.keys_file, [*known, pending.key])
            sync_folder(self._device.keys_file.parent)
        self._note_rotation(pending, now)
        self.drop_pending()

    def drop_pending(self) -> None:
        """No key is on its way any longer."""
        self._device.pending_file.unlink(missing_ok=True)
        sync_folder(self._device.pending_file.parent)

    def retire(self, kid: str) -> None:
        """Take the key out of keys.json, and note that it is not to come back."""
        retired = self._device.retired()
        if kid not in retired:
            _write(self._device.retired_file, {"kids": [*retired, kid]})
        known = self._device.keys()
        left = [key for key in known if key["kid"] != kid]
        if left != known:
            keys.write(self._device.keys_file, left)
            sync_folder(self._device.keys_file.parent)

    def rotations(self) -> list[dict]:
        """[{"kid", "at" (Unix seconds), "max_ttl" (seconds), "from" (a kid or None)}], as far as is known."""
        try:
            noted = json.loads((self._device.state_folder / NOTES_FILE).read_bytes())["rotations"]
            return [one for one in noted if _is_note(one)]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return []  # machine-made, and nothing depends on it: a broken note is no note

    def _note_rotation(self, pending: Pending, now: int) -> None:
        noted = self.rotations()
        if pending.kid in [note["kid"] for note in noted]:
            return
        max_ttl = self._device.settings["max_ttl"]
        note = {"kid": pending.kid, "at": now, "max_ttl": max_ttl, "from": pending.source}
        with contextlib.suppress(OSError):
            _write(_state_folder(self._device) / NOTES_FILE, {"rotations": [*noted, note]})

    def _remove_leftovers(self) -> None:
        """Remove what `write_atomic` had not renamed yet when its process was killed: it holds keys."""
        for path in (self._device.keys_file, self._device.pending_file, self._device.retired_file):
            for leftover in path.parent.glob(f".{path.name}.*"):
                leftover.unlink(missing_ok=True)


def read_pending(path: Path) -> Pending | None:
    """The key on its way; None when there is none.

    Raises BadSecrets, ExposedSecret, UnreadableFile, WeakKey.
    """
    data = _read(path, _PENDING_REMEDY)
    if data is None:
        return None
    schema, base64url = boardlib.firmware("settings"), boardlib.lib("base64url")
    try:
        key = schema.check_secrets({"wifi": None, "keys": [data["key"]]})["keys"][0]
        salt = None if data["salt"] is None else base64url.decode(data["salt"].encode())
        pending = Pending(key, data["from"], salt, data["replaces"])
    except (KeyError, TypeError, ValueError, AttributeError):  # SettingsError and Base64Error are ValueErrors
        raise BadSecrets(f"{short(path)}: this is no key on its way to a board", _PENDING_REMEDY) from None
    names = [name for name in (pending.source, pending.replaces) if name is not None]
    if not all(isinstance(name, str) for name in names) or (salt is None) != (pending.source is None):
        raise BadSecrets(f"{short(path)}: this is no key on its way to a board", _PENDING_REMEDY)
    keys.board_key(key, short(path))
    return pending


def read_retired(path: Path) -> list[str]:
    """The names of the keys that were retired, oldest first.

    Raises BadSecrets, ExposedSecret, UnreadableFile.
    """
    data = _read(path, _RETIRED_REMEDY)
    if data is None:
        return []
    kids = data.get("kids")
    if not isinstance(kids, list) or not all(isinstance(kid, str) for kid in kids):
        raise BadSecrets(f"{short(path)}: there is no list of names in it", _RETIRED_REMEDY)
    return kids


def _read(path: Path, remedy: str) -> dict | None:
    if not os.path.lexists(path):
        return None
    try:
        data = json.loads(read_text(path, private=True))
    except (ValueError, RecursionError):  # the error itself may quote what it found
        raise BadSecrets(f"{short(path)}: not JSON", remedy) from None
    if not isinstance(data, dict):
        raise BadSecrets(f"{short(path)}: not a JSON object", remedy)
    return data


def _write(path: Path, data: dict) -> None:
    write_atomic(path, (json.dumps(data, indent=2) + "\n").encode(), PRIVATE_FILE)
    sync_folder(path.parent)


def _is_note(note: object) -> bool:
    if not isinstance(note, dict) or not isinstance(note.get("from"), str | None):
        return False
    return isinstance(note.get("kid"), str) and type(note.get("at")) is type(note.get("max_ttl")) is int


def _state_folder(device: Device) -> Path:
    folder = device.state_folder
    folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    return folder


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
