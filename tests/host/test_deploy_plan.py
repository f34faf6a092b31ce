"""What a deploy would do, for whatever is on the board: a pure function, and so a table."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from pinwarden.deploy import plan, steps
from pinwarden.deploy.inventory import SHORT, File, Inventory, chip_of, parse
from pinwarden.deploy.release import Release
from pinwarden.errors import FlashFull, TooOld, UnknownKey, UserError, WrongChip

OLD = {"firmware/app.mpy": b"app 1", "firmware/api.mpy": b"api", "settings.json": b"{}"}
NEW = {**OLD, "firmware/app.mpy": b"app 2"}
START = {"slots.py": b"slots", "boot.py": b"boot", "main.py": b"main"}
SECRETS = b'{"keys": []}'
KEYS = [{"kid": "2026-11", "k": "one"}, {"kid": "2026-12", "k": "two"}]
ROOM = 1_000_000


def release(files: dict[str, bytes] = NEW) -> Release:
    return Release(files=files, start=START, secrets=SECRETS, version="0.1.0")


def file(data: bytes) -> File:
    return File(len(data), hashlib.sha256(data).hexdigest()[:SHORT])


def version(files: dict[str, bytes], whole: bool = True) -> dict[str, File]:
    found = {path: file(data) for path, data in files.items()}
    return {**found, "version.json": file(b"any")} if whole else found


def board(**changes) -> Inventory:
    """A board that has what a deploy leaves, but for `changes`."""
    there = {
        "chip": "esp32",
        "micropython": (1, 29, 0),
        "mpy": 6,
        "free": ROOM,
        "size": 2 * ROOM,
        "start": {name: file(data) for name, data in START.items()},
        "secrets": file(SECRETS),
        "kids": plan.fingerprints(KEYS),
    }
    return Inventory(**{**there, **changes})


def test_an_empty_board_gets_everything() -> None:
    made = plan.make(release(), board(start={}, secrets=None, kids={}))
    assert (made.target, made.source) == ("a", "")
    assert set(made.send) == NEW.keys()
    assert made.start == ("slots.py", "boot.py", "main.py"), "what chooses the version comes first"
    assert made.secrets
    assert not made.keep + made.copy + made.remove


def test_a_board_that_has_it_gets_nothing() -> None:
    made = plan.make(release(), board(slot="a", versions={"a": version(NEW)}))
    assert made.nothing
    assert made.target is None


@pytest.mark.parametrize(
    ("versions", "keep", "copy", "send"),
    [
        pytest.param({"a": version(OLD)}, 0, 2, 1, id="the slot is empty"),
        pytest.param({"a": version(OLD), "b": version(OLD)}, 2, 0, 1, id="both have the old version"),
        pytest.param({"a": version(OLD), "b": version(NEW)}, 3, 0, 0, id="the slot has it: after a rollback"),
        pytest.param(
            {"a": version(OLD), "b": version(NEW, whole=False)}, 3, 0, 0, id="cut off before the end"
        ),
        pytest.param(
            {"a": version(OLD), "b": version({**NEW, "settings.json": b"cut"}, whole=False)},
            2,
            1,
            0,
            id="cut off in the middle",
        ),
    ],
)
def test_only_what_the_board_has_not_is_sent(
    versions: dict[str, dict[str, File]], keep: int, copy: int, send: int
) -> None:
    made = plan.make(release(), board(slot="a", versions=versions))
    assert (made.target, made.source) == ("b", "a")
    assert (len(made.keep), len(made.copy), len(made.send)) == (keep, copy, send)
    assert not made.start
    assert not made.secrets


def test_the_flat_layout_is_copied_from() -> None:
    made = plan.make(release(), board(slot="", versions={"": version(OLD, whole=False)}))
    assert (made.target, made.source) == ("a", "")
    assert made.copy == ("firmware/api.mpy", "settings.json")


def test_what_the_version_has_not_is_removed() -> None:
    stale = {**OLD, "firmware/app.py": b"would be imported before app.mpy", "lib/x.mpy.new": b"cut off"}
    made = plan.make(release(), board(slot="a", versions={"a": version(OLD), "b": version(stale)}))
    assert set(made.remove) == {"firmware/app.py", "lib/x.mpy.new"}


def test_a_version_with_a_stray_file_is_not_that_version() -> None:
    stray = version({**NEW, "firmware/app.py": b"would be imported before app.mpy"})
    assert plan.make(release(), board(slot="a", versions={"a": stray})).target == "b"


@pytest.mark.parametrize(
    ("changes", "start", "secrets"),
    [
        pytest.param(
            {"start": {**board().start, "main.py": file(b"old")}}, ("main.py",), False, id="main.py"
        ),
        pytest.param({"secrets": file(b"{}")}, (), True, id="secrets"),
        pytest.param({"secrets": None}, (), True, id="no secrets"),
    ],
)
def test_what_is_in_no_version_needs_no_slot(changes: dict, start: tuple[str, ...], secrets: bool) -> None:
    made = plan.make(release(), board(slot="a", versions={"a": version(NEW)}, **changes))
    assert (made.target, made.start, made.secrets, made.nothing) == (None, start, secrets, False)


def test_an_unproven_version_is_the_one_to_overwrite() -> None:
    versions = {"a": version(OLD), "b": version({"firmware/app.mpy": b"broken"})}
    on_trial = board(slot="b", previous="a", trial=1, versions=versions)
    made = plan.make(release(), on_trial)
    assert (made.target, made.source, made.undo_trial) == ("b", "a", True)
    proven = plan.make(release(), replace(on_trial, trial=0))
    assert (proven.target, proven.source, proven.undo_trial) == ("a", "b", False)


def test_an_unproven_version_without_another_stays_until_the_switch() -> None:
    on_trial = board(
        slot="b", previous="a", trial=1, versions={"b": version(OLD), "a": version(OLD, whole=False)}
    )
    made = plan.make(release(), on_trial)
    assert (made.target, made.source, made.undo_trial) == ("a", "b", False)


def check(found: Inventory, *, retired: tuple[str, ...] = (), replace_keys: bool = False) -> None:
    """A deploy to this board, as far as the first write. Raises a UserError where it is refused."""
    plan.check(
        release(),
        found,
        plan.make(release(), found),
        chip="esp32",
        kids=plan.fingerprints(KEYS),
        retired=retired,
        replace_keys=replace_keys,
    )


@pytest.mark.parametrize(
    ("changes", "kind", "told"),
    [
        pytest.param({"chip": "esp32c3"}, WrongChip, "esp32c3", id="another chip"),
        pytest.param({"micropython": (1, 23, 1)}, TooOld, "1.23.1", id="an old MicroPython"),
        pytest.param({"mpy": 7}, TooOld, "bytecode of version 7", id="other bytecode"),
        pytest.param({"free": 4}, FlashFull, "4 bytes are free", id="no room"),
        pytest.param({"kids": {"2026-10": "ab"}}, UnknownKey, "'2026-10'", id="an unknown key"),
        pytest.param({"kids": {"2026-11": "ab"}}, UnknownKey, "'2026-11'", id="another key of that name"),
    ],
)
def test_is_refused(changes: dict, kind: type[UserError], told: str) -> None:
    with pytest.raises(kind) as refusal:
        check(board(**changes))
    assert told in refusal.value.message
    assert refusal.value.hint


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="all well"),
        pytest.param({"chip": "Some clone with an unknown chip"}, id="a chip that is not known here"),
        pytest.param({"micropython": (1, 24, 0)}, id="the oldest MicroPython"),
        pytest.param({"kids": {}}, id="no keys yet"),
        pytest.param({"kids": plan.fingerprints(KEYS[:1])}, id="a key fewer: it was rotated here"),
    ],
)
def test_is_not_refused(changes: dict) -> None:
    check(board(**changes))


def test_a_retired_key_may_go() -> None:
    check(board(kids={"2026-10": "ab"}), retired=("2026-10",))


@pytest.mark.parametrize("kid", ["2026-10", "2026-11"])
def test_other_keys_go_when_that_is_asked_for(kid: str) -> None:
    check(board(kids={kid: "ab"}), replace_keys=True)


def test_a_key_cannot_be_had_from_its_fingerprint() -> None:
    fingerprint = plan.fingerprints([{"kid": "x", "k": "sesame"}])["x"]
    assert fingerprint == hashlib.sha256(b"sesame").hexdigest()[:16]


def test_room_is_counted_with_what_is_removed_and_replaced() -> None:
    there = {**OLD, "firmware/app.mpy": b"x" * 100, "firmware/gone.mpy": b"x" * 1000}
    found = board(slot="a", versions={"a": version(OLD), "b": version(there)})
    made = plan.make(release(), found)
    assert plan.needs(release(), found, made) == len(NEW["firmware/app.mpy"]) - 100 - 1000


@pytest.mark.parametrize(
    ("sent", "kept", "told"),
    [
        ({"firmware/app.mpy": 4100}, 39, "1 file sent (app.mpy, 4.1 kB), 39 kept"),
        ({"firmware/app.mpy": 4100, "boot.py": 900}, 39, "2 files sent (app.mpy, boot.py, 5.0 kB), 39 kept"),
        ({f"lib/{n}.mpy": 1000 for n in range(40)}, 0, "40 files sent (40.0 kB), 0 kept"),
        ({}, 40, "0 files sent, 40 kept"),
    ],
)
def test_says_what_was_sent(sent: dict[str, int], kept: int, told: str) -> None:
    assert str(steps.Sent(sent, kept)) == told


@pytest.mark.parametrize(
    ("machine", "chip"),
    [
        ("Generic ESP32 module with ESP32", "esp32"),
        ("Generic ESP32 module with SPIRAM with ESP32", "esp32"),
        ("ESP32C3 module with ESP32C3", "esp32c3"),
        ("Generic ESP32S3 module with Octal-SPIRAM with ESP32S3", "esp32s3"),
        ("LOLIN S2 Mini with ESP32-S2FN4R2", "esp32s2"),
        ("Arduino Nano RP2040 Connect with RP2040", "Arduino Nano RP2040 Connect with RP2040"),
    ],
)
def test_the_chip_is_in_the_machines_name(machine: str, chip: str) -> None:
    assert chip_of(machine) == chip


def test_reads_what_the_board_tells() -> None:
    said = (
        "{'machine': 'x with ESP32', 'micropython': [1, 29, 0], 'mpy': 6, 'free': 5, 'size': 9, "
        "'slots': {'slot': 'b', 'previous': None, 'trial': 2, 'note': 'why'}, 'kids': [('k', 'ab')]}\n"
        "3 00ff /boot.py\n4 11ff /secrets.json\n5 22ff /b/lib/a name.mpy\n6 33ff /b/version.json\n"
    )
    assert parse(said) == Inventory(
        chip="esp32",
        micropython=(1, 29, 0),
        mpy=6,
        free=5,
        size=9,
        slot="b",
        trial=2,
        note="why",
        versions={"b": {"lib/a name.mpy": File(5, "22ff"), "version.json": File(6, "33ff")}, "": {}},
        start={"boot.py": File(3, "00ff")},
        secrets=File(4, "11ff"),
        kids={"k": "ab"},
    )


def test_reads_an_empty_board() -> None:
    about = {
        "machine": "x",
        "micropython": [1, 24, 1],
        "mpy": 6,
        "free": 5,
        "size": 9,
        "slots": None,
        "kids": None,
    }
    found = parse(repr(about))
    assert (found.slot, found.kids, found.versions) == ("", {}, {"": {}})
