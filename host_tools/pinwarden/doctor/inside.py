"""What a board tells over USB, and what the doctor thinks of it.

It may tell anything: a strange board is as welcome as a healthy one.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pinwarden.deploy import inventory
from pinwarden.deploy.inventory import File, Inventory
from pinwarden.deploy.release import MANIFEST, Release
from pinwarden.device import Device
from pinwarden.doctor import judge
from pinwarden.doctor.examination import OK, Finding, failed, ok, skipped, warning
from pinwarden.usb.repl import Repl

BUILD_DATE = 1767225600  # what a board's clock must read to count as set (firmware/clock.py), Unix seconds
_SHOWN = 5  # paths in a finding
_TRACE = 6  # lines of a traceback in a finding
_CLOCK = "import time\nprint(time.time() + (946684800 if time.gmtime(0)[0] == 2000 else 0))"
_HEAP = "import gc\ngc.collect()\nprint(gc.mem_free())"


@dataclass(frozen=True)
class Inside:
    """A board as it is inside. `settings`, `manifest` and `crash` are its files' content, or None."""

    stock: Inventory
    settings: object
    manifest: object
    crash: object
    heap: int | None  # bytes that are free beside an idle interpreter
    clock: int | None  # Unix seconds, None while it is unset
    heard: float  # when it told its clock, Unix seconds

    @property
    def files(self) -> dict[str, File]:
        """The files of the version that starts."""
        return self.stock.version(self.stock.slot)

    @property
    def is_ours(self) -> bool:
        """Whether any of Pinwarden is on it."""
        return any(path.startswith("firmware/") for path in self.files)


def look(repl: Repl) -> Inside:
    """Have the board tell. Raises NoRepl, PortGone, BoardFailed."""
    stock = inventory.take(repl, strict=False)
    folder = f"/{stock.slot}" if stock.slot else ""
    settings, manifest, crash = (
        _json(repl.read(path))
        for path in (f"{folder}/settings.json", f"{folder}/{MANIFEST}", "/state/crash.json")
    )
    heap, clock = _whole(repl.run(_HEAP)), _whole(repl.run(_CLOCK))
    return Inside(
        stock=stock,
        settings=settings,
        manifest=manifest,
        crash=crash,
        heap=heap,
        clock=clock if clock is not None and clock >= BUILD_DATE else None,
        heard=time.time(),
    )


def name(inside: Inside, wanted: str) -> Finding:
    """Whether it is the right board."""
    deploy = f"If it is to be {wanted}: pinwarden deploy {wanted}"
    told = judge.text(judge.member(inside.settings, "name"), 40)
    if not inside.is_ours:
        return failed("there is MicroPython on it, but no Pinwarden", deploy)
    if told is None:
        return failed("the board has no settings that can be read", deploy)
    if told != wanted:
        return failed(f"the board on this port is {told}, not {wanted}", f"Name another --port. {deploy}")
    return ok(told)


def files(inside: Inside, release: Release | None, device: str) -> Finding:
    """Each file against what was deployed, and against what would be now; all by hash."""
    manifest = judge.member(inside.manifest, "files")
    deployed = manifest if isinstance(manifest, dict) else {}
    damaged = [path for path, digest in deployed.items() if not _has(inside.files, path, digest)]
    if damaged:
        return failed(
            f"not what was deployed: {_listed(damaged)}",
            f"Deploy again: pinwarden deploy {device}. If it comes back, the flash is failing.",
        )
    if release is None:
        return skipped("what a deployment would bring is not known; see the checks of this computer")
    start = {path: hashlib.sha256(data).hexdigest() for path, data in release.start.items()}
    there, here = {**inside.files, **inside.stock.start}, {**release.hashes, **start}
    there.pop(MANIFEST, None)
    parts = {
        "differ": [path for path in here if path in there and not _has(there, path, here[path])],
        "are missing": [path for path in here if path not in there],
        "are not of this version": [path for path in there if path not in here],
    }
    told = [f"{len(paths)} {what}: {_listed(paths)}" for what, paths in parts.items() if paths]
    if not told:
        return ok(f"all {len(here)} as here")
    return warning("\n".join(told), f"See what would be sent: pinwarden deploy {device} --dry-run")


def keys(inside: Inside, device: Device) -> Finding:
    """The keys there against those here. Raises what Device.keys raises."""
    there, own = inside.stock.kids, device.keys()
    here = {key["kid"]: hashlib.sha256(key["k"].encode()).hexdigest() for key in own}
    signs, deploy = own[-1]["kid"], f"Run: pinwarden deploy {device.name}"
    if not there:
        return failed("the board has no key that can be read: it admits nobody", deploy)
    other = [kid for kid, digest in here.items() if not digest.startswith(str(there.get(kid, digest)))]
    if other:
        return failed(
            f"another key than here has the name {_listed(other)}",
            "Was the board deployed from another folder? Take that one's secrets, or put these onto it: "
            f"pinwarden deploy {device.name} --replace-keys",
        )
    if signs not in there:
        return failed(f"the board does not have {signs}, which signs the tokens of here", deploy)
    pending = device.pending()
    unknown = [kid for kid in there if kid not in here and kid != (pending and pending.kid)]
    if unknown:
        return warning(
            f"the board takes {_listed(unknown)}, too, which is not among the keys here",
            f"See them with: pinwarden keys list {device.name}",
        )
    if missing := [kid for kid in here if kid not in there]:
        return warning(f"the board lacks {_listed(missing)}: tokens signed with it are refused", deploy)
    return ok(f"{_listed(there)}, as here")


def crashes(inside: Inside) -> Finding:
    """The crashes in a row, with where the last one happened."""
    finding = judge.crashes(inside.crash)
    trace = judge.text(judge.member(inside.crash, "trace"), 2000)
    if finding.state == OK or trace is None:
        return finding
    lines = [line for line in trace.splitlines() if line.strip() and not line.startswith("Traceback")]
    return Finding(finding.state, "\n".join([finding.found, *lines[-_TRACE:]]), finding.remedy)


def _has(there: Mapping[str, File], path: object, digest: object) -> bool:
    file = there.get(path) if isinstance(path, str) else None
    return file is not None and isinstance(digest, str) and file.has(digest)


def _json(data: bytes | None) -> object:
    try:
        return json.loads(data) if data is not None else None
    except (ValueError, RecursionError):
        return None


def _whole(said: str) -> int | None:
    text = said.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _listed(paths: Iterable[object]) -> str:
    found = [judge.text(path, 60) or "?" for path in paths]
    more = len(found) - _SHOWN
    return ", ".join(found[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
