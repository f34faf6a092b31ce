"""`pinwarden deploy` by the real mpremote, to a board whose serial port real MicroPython answers at."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import serial

import testbed
import usbbench
from pinwarden import keys
from pinwarden.deploy import health, release, steps
from pinwarden.device import Device
from pinwarden.usb.repl import Repl
from usbbench import Bench

BROKEN = "raise RuntimeError('broken on purpose')\n"
HANGS = "while True:\n    pass\n"


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with usbbench.bench(tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a bench that has deployed once."""
    folder = tmp_path_factory.mktemp("first")
    with pytest.MonkeyPatch.context() as monkeypatch, usbbench.bench(folder, monkeypatch) as made:
        made.deploy()
        made.board.wait(lambda: usbbench.slot(made.flash)["trial"] == 0)
    return folder


@pytest.fixture
def deployed(first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """With a first version on the board, which runs."""
    with usbbench.bench(tmp_path, monkeypatch, like=first) as made:
        made.board.start()
        yield made


def add_key(device: Device) -> None:
    keys.write(device.keys_file, [*device.keys(), keys.generate("newer")])


def test_the_first_deploy(bench: Bench) -> None:
    said = bench.deploy().stdout.splitlines()
    made = release.build(bench.device)
    assert said[0].startswith(f"{len(made.files) + len(made.start) + 1} files sent (")
    assert said[0].endswith("kB), 0 kept")
    assert said[1].startswith(f"door runs build {made.build} at {bench.board.url}/ (up in ")
    assert bench.build() == made.build
    assert usbbench.slot(bench.flash) == {"slot": "a", "previous": None, "trial": 0, "note": None}
    for name, data in made.start.items():
        assert (bench.flash / name).read_bytes() == data
    assert json.loads((bench.flash / "secrets.json").read_text()) == bench.device.secrets()
    assert bench.healthy()


def test_sets_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with usbbench.bench(tmp_path, monkeypatch, ntp=False) as bench:
        bench.deploy()
        now = bench.board.clock.now()
    assert now is not None
    assert abs(now - time.time()) < 5


def test_sends_the_one_file_that_changed(deployed: Bench) -> None:
    before = deployed.build()
    deployed.change("firmware/origins.py")
    said = deployed.deploy().stdout
    size = (deployed.flash / "b" / "firmware" / "origins.mpy").stat().st_size
    others = len(release.build(deployed.device).files) + 3
    assert said.startswith(f"1 file sent (origins.mpy, {size / 1000:.1f} kB), {others} kept\n")
    assert usbbench.slot(deployed.flash) == {"slot": "b", "previous": "a", "trial": 0, "note": None}
    assert usbbench.whole(deployed.flash, "a") == before, "the one before stays, whole"
    assert deployed.build() != before
    deployed.change("firmware/wifi.py")
    said = deployed.deploy().stdout
    assert said.startswith("1 file sent (wifi.mpy, "), "to a slot that is two versions behind"
    assert usbbench.slot(deployed.flash)["slot"] == "a"
    assert deployed.healthy()


def test_removes_what_would_be_imported_in_place_of_ours(deployed: Bench) -> None:
    deployed.change("firmware/origins.py")
    deployed.deploy()
    for stray in ("a/firmware/origins.py", "a/lib/jwt/stray.txt", "a/firmware/web/x/y/z", "a/app.mpy.new"):
        (deployed.flash / stray).parent.mkdir(parents=True, exist_ok=True)
        (deployed.flash / stray).write_text("stray")
    (deployed.flash / "a" / "firmware" / "api").mkdir()
    deployed.change("firmware/wifi.py")
    deployed.deploy()
    assert usbbench.slot(deployed.flash)["slot"] == "a"
    deployed.build()
    assert not (deployed.flash / "a" / "firmware" / "api").exists(), "a folder is imported before a file"
    assert not (deployed.flash / "a" / "lib" / "jwt").exists()


def test_with_nothing_changed_nothing_is_sent(deployed: Bench) -> None:
    before = usbbench.snapshot(deployed.flash)
    assert deployed.deploy().stdout.startswith("nothing to send")
    assert usbbench.snapshot(deployed.flash) == before
    assert deployed.healthy()


def test_new_secrets_are_no_new_version(deployed: Bench) -> None:
    add_key(deployed.device)
    before = usbbench.slot(deployed.flash)
    assert deployed.deploy().stdout.startswith("1 file sent (secrets.json, ")
    assert json.loads((deployed.flash / "secrets.json").read_text()) == deployed.device.secrets()
    assert usbbench.slot(deployed.flash) == before


def test_dry_run_changes_nothing(deployed: Bench) -> None:
    before = usbbench.snapshot(deployed.flash)
    deployed.change("firmware/origins.py")
    said = deployed.deploy("--dry-run").stdout
    assert [line.split()[:2] for line in said.splitlines() if line.startswith("  send")] == [
        ["send", "firmware/origins.mpy"]
    ]
    assert "would send 1 file" in said
    assert len(said.splitlines()) == 3, "what is the same is one line"
    assert re.search(
        r"^  [0-9]+ files unchanged(, [0-9]+ of them copied on the board from /[ab])?$", said, re.M
    )
    assert usbbench.snapshot(deployed.flash) == before
    assert deployed.board.wait(deployed.healthy, timeout=20), "its application runs again"


def test_rollback_brings_the_version_back_but_not_the_keys(deployed: Bench) -> None:
    before = deployed.build()
    deployed.change("firmware/origins.py")
    add_key(deployed.device)
    (deployed.flash / "state" / "mine.json").write_text("kept")
    deployed.deploy()
    assert deployed.build() != before
    secrets = (deployed.flash / "secrets.json").read_bytes()
    assert f"door runs build {before}" in deployed.deploy("--rollback").stdout
    assert deployed.build() == before
    assert (deployed.flash / "secrets.json").read_bytes() == secrets
    assert (deployed.flash / "state" / "mine.json").read_text() == "kept"
    said = deployed.deploy("--rollback", code=1).stderr
    assert said.startswith("error: there is no version to go back to")
    assert deployed.board.wait(deployed.healthy, timeout=20)
    again = deployed.deploy()
    assert "It went back from build" in again.stderr
    assert again.stdout.startswith("0 files sent, "), "it was still in the other slot"
    assert deployed.build() != before


@pytest.mark.parametrize(
    ("path", "text", "why"),
    [
        pytest.param("firmware/app.py", BROKEN, "RuntimeError('broken on purpose'", id="crashes at import"),
        pytest.param("firmware/app.py", HANGS, "not healthy within 3 s of its start", id="hangs"),
    ],
)
def test_the_board_goes_back_from_what_does_not_work(deployed: Bench, path: str, text: str, why: str) -> None:
    before = deployed.build()
    slots = deployed.tree / "slots.py"
    assert "TRIAL_MS = 60000" in slots.read_text()
    slots.write_text(slots.read_text().replace("TRIAL_MS = 60000", "TRIAL_MS = 3000"))
    deployed.change(path, text)
    said = deployed.deploy(code=1).stderr
    error = said[said.index("error: ") :]
    assert error.startswith(f"error: the board went back to the version before: {why}")
    assert "slots: rolled back to a: " in error, "the board's last lines"
    assert deployed.healthy()
    assert deployed.build() == before
    assert why in usbbench.slot(deployed.flash)["note"]


def test_without_a_trial_it_stays_and_a_good_one_repairs_it(deployed: Bench) -> None:
    app = deployed.tree / "firmware" / "app.py"
    good = app.read_text()
    deployed.change("firmware/app.py", BROKEN)
    said = deployed.deploy("--no-trial", code=1).stderr
    assert "broken on purpose" in said
    assert usbbench.slot(deployed.flash)["slot"] == "b"
    app.write_text(good)
    deployed.change("firmware/origins.py")
    deployed.deploy()
    assert json.loads((deployed.flash / "state" / "crash.json").read_text())["count"] == 0
    assert deployed.healthy()


def test_an_unproven_version_does_not_cost_the_proven_one(deployed: Bench) -> None:
    before, app = deployed.build(), deployed.tree / "firmware" / "app.py"
    good = app.read_text()
    deployed.change("firmware/app.py", "print('hangs')\n" + HANGS)
    made = release.build(deployed.device)
    with Repl(deployed.board.usb.path) as repl:
        _, plan = steps.prepare(repl, deployed.device, made)
        steps.apply(repl, made, plan)
    deployed.board.wait(lambda: "hangs" in deployed.board.serial, timeout=20)
    app.write_text(good)
    deployed.change("firmware/origins.py")
    deployed.deploy()
    assert usbbench.slot(deployed.flash) == {"slot": "b", "previous": "a", "trial": 0, "note": None}
    assert usbbench.whole(deployed.flash, "a") == before


def test_a_flat_board_becomes_one_with_slots(bench: Bench) -> None:
    testbed.install(bench.flash, "micropython")
    said = bench.deploy("--replace-keys").stdout
    assert said.startswith("2 files sent (settings.json, secrets.json, "), "all others were there"
    assert usbbench.slot(bench.flash)["slot"] == "a"
    assert bench.healthy()


@pytest.mark.parametrize("spare", [4096, 24 * 4096], ids=["seen before", "met in the middle"])
def test_a_full_flash(deployed: Bench, spare: int) -> None:
    before = deployed.build()
    deployed.board.power_cut()
    used = sum(-(-p.stat().st_size // 4096) * 4096 for p in deployed.flash.rglob("*") if p.is_file())
    deployed.board.flash_size = used + spare
    deployed.board.start()
    deployed.change("firmware/origins.py")
    said = deployed.deploy(code=1).stderr
    assert "error: the board's flash is full" in said
    assert "the version that it runs is untouched" in said
    assert not (deployed.flash / "b").exists()
    assert deployed.build() == before
    assert deployed.board.wait(deployed.healthy, timeout=20)


def test_a_key_that_only_the_board_has(deployed: Bench) -> None:
    device = deployed.device
    add_key(device)
    deployed.deploy()
    keys.write(device.keys_file, device.keys()[:1])
    before = usbbench.snapshot(deployed.flash)
    said = deployed.deploy(code=1).stderr
    assert "error: the board has a key that this folder has not: 'newer'" in said
    assert usbbench.snapshot(deployed.flash) == before
    deployed.deploy("--replace-keys")
    assert json.loads((deployed.flash / "secrets.json").read_text())["keys"] == device.keys()


def test_a_board_in_no_network(deployed: Bench) -> None:
    deployed.device.wifi_file.write_text("")
    said = deployed.run("deploy", address="")
    assert said.stdout.startswith("1 file sent (secrets.json, ")
    assert said.stdout.endswith(f"door runs build {deployed.build()}, in no network\n")
    assert "door/secrets/wifi.toml" in said.stderr


def test_a_board_in_another_network(deployed: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_NETWORK", 0.5)
    said = deployed.run("deploy", address="127.0.0.1:1", code=3).stderr
    assert "error: the board has started, but is not reached from here: 127.0.0.1:1" in said
    assert "--address" in said.partition("hint: ")[2]


@pytest.mark.parametrize("option", ["--dry-run", "--no-trial"])
def test_with_bad_settings_the_port_is_not_opened(deployed: Bench, option: str) -> None:
    settings = deployed.device.folder / "device.toml"
    settings.write_text(settings.read_text().replace("gpio = 26", "gpio = 6"))
    assert deployed.board.wait(deployed.healthy, timeout=20)  # until then it prints
    starts, said = len(deployed.board.starts), len(deployed.board.serial)
    assert "pins.relay.gpio" in deployed.deploy(option, code=1).stderr
    assert (len(deployed.board.starts), len(deployed.board.serial)) == (starts, said)
    assert deployed.healthy()


def test_another_chip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with usbbench.bench(tmp_path, monkeypatch, chip="esp32c3") as bench:
        said = bench.deploy(code=1).stderr
        assert "error: the board is an esp32c3, and the settings are for an esp32" in said
        assert usbbench.snapshot(bench.flash) == {}


def test_a_port_that_is_busy(bench: Bench) -> None:
    with serial.Serial(bench.board.usb.path, exclusive=True):
        said = bench.deploy(code=3).stderr
    assert "is in use by" in said
    assert usbbench.snapshot(bench.flash) == {}


def test_the_cable_is_pulled(deployed: Bench) -> None:
    before = deployed.build()
    deployed.change("firmware/origins.py")
    deployed.board.usb.pull(after=5000)
    said = deployed.deploy(code=3).stderr
    assert "the port went away" in said
    assert "hint: Plug it in again" in said
    deployed.board.usb.plug()
    deployed.board.start()
    deployed.board.wait(lambda: httpx.get(deployed.board.url + "/healthz", trust_env=False).status_code)
    assert deployed.build() == before
    deployed.deploy()
    assert deployed.build() != before


def test_a_chip_with_a_usb_of_its_own(deployed: Bench) -> None:
    """Its port goes away with each reset."""
    deployed.board.usb.native = True
    deployed.change("firmware/origins.py")
    assert deployed.deploy().stdout.startswith("1 file sent (origins.mpy, ")
    assert deployed.healthy()


def test_a_deploy_takes_little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Less than the application: what is left of 100 kB beside the stand-ins is some 60 kB."""
    with usbbench.bench(tmp_path, monkeypatch, heapsize="100k") as bench:
        for number in range(2):
            bench.change("firmware/origins.py")
            made = release.build(bench.device)
            with Repl(bench.board.usb.path) as repl:
                _, plan = steps.prepare(repl, bench.device, made)
                steps.apply(repl, made, plan)
            assert usbbench.slot(bench.flash)["slot"] == "ab"[number]
            assert bench.build() == made.build


def test_ctrl_c_leaves_the_old_version_running(deployed: Bench) -> None:
    before = deployed.build()
    deployed.change("firmware/origins.py")
    made = release.build(deployed.device)

    def interrupt(step: str, done: int, total: int) -> None:
        if step == "Sending":
            raise KeyboardInterrupt

    with contextlib.suppress(KeyboardInterrupt), Repl(deployed.board.usb.path) as repl:
        _, plan = steps.prepare(repl, deployed.device, made)
        steps.apply(repl, made, plan, interrupt)
        pytest.fail("nothing was sent")
    assert deployed.board.wait(deployed.healthy, timeout=20)
    assert deployed.build() == before
