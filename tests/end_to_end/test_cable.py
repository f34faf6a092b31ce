"""The cable is pulled, and the power with it, at 200 points of a deploy: after every k-th byte of it.

Each time the board then has the old version to start or the new one, whole, all its keys and all its state.
"""

from __future__ import annotations

import json
import multiprocessing
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import serial

import usbbench
from cablepoints import Case
from pinwarden import keys
from pinwarden.deploy import release
from pinwarden.device import Device
from pinwarden.errors import NoPort
from pinwarden.mint import mint_token
from pinwarden.usb.repl import Repl
from pinwarden_sim import Board

POINTS = 200
CUTS = 50
STARTED, DEPLOYED_AGAIN = 20, 40  # of so many points, one is really started, or deployed to again
WORKERS = 3  # a board waits as long as it computes

CRASH = '{"count": 1, "error": "kept", "trace": ""}'
REVOKE = f"""
from firmware.revocation import Revocations
Revocations().revoke(jti="kept", until={int(time.time()) + 86400})
"""


@dataclass
class Deploy:
    """A deploy that changes something of every kind: of the version, the start files, the secrets."""

    case: Case
    old: str  # builds
    new: str
    size: int  # bytes that it sends
    written: int  # bytes that the board writes to its flash for it, about


@pytest.fixture(scope="module")
def deploy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deploy]:
    folder = tmp_path_factory.mktemp("cable")
    with pytest.MonkeyPatch.context() as monkeypatch, usbbench.bench(folder, monkeypatch) as bench:
        bench.deploy()
        bench.change("firmware/clock.py")
        bench.deploy()
        bench.board.wait(lambda: usbbench.slot(bench.flash)["trial"] == 0)
        with Repl(bench.board.usb.path) as repl:
            repl.set_clock()
            repl.enter_version()
            repl.run(REVOKE)
        bench.board.power_cut()
        old = bench.build()
        assert usbbench.slot(bench.flash)["slot"] == "b"
        (bench.flash / "a" / "firmware" / "gone.mpy").write_bytes(b"of an older version")
        (bench.flash / "state" / "crash.json").write_text(CRASH)
        (bench.flash / "state" / "mine").write_text("kept")
        for path in ("firmware/origins.py", "firmware/wifi.py", "main.py", "slots.py"):
            bench.change(path)
        keys.write(bench.device.keys_file, [*bench.device.keys(), keys.generate("newer")])
        made = release.build(bench.device)
        copies = folder / "copies"
        copies.mkdir()
        case = Case(bench.device.folder, bench.flash, made, copies)
        yield Deploy(case, old, made.build, *measured(case))


def measured(case: Case) -> tuple[int, int]:
    """The bytes that are sent, and those that are written, of a deploy that nothing disturbs."""
    sizes: list[int] = []
    write = serial.Serial.write

    def counted(port: serial.Serial, data: bytes) -> int | None:
        sizes.append(len(data))
        return write(port, data)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(serial.Serial, "write", counted)
        flash, stopped = case.pull(1 << 30)
    assert not stopped
    before, after = usbbench.snapshot(case.flash), usbbench.snapshot(flash)
    return sum(sizes), sum(len(data) for name, data in after.items() if before.get(name) != data)


@pytest.mark.timeout(240)
def test_a_whole_version_whenever_the_cable_is_pulled(deploy: Deploy) -> None:
    step = deploy.size / POINTS
    points = [int(number * step) + 1 for number in range(POINTS)]
    # After the switch comes little: closer together there.
    points += [deploy.size - int(step * part / 12) - 1 for part in range(11, 4, -1)]
    seen: Counter[str] = Counter()
    with ProcessPoolExecutor(WORKERS, multiprocessing.get_context("spawn")) as pool:
        for number, (flash, stopped) in enumerate(pool.map(deploy.case.pull, points)):
            after = points[number]
            assert stopped, f"all {after} bytes of {deploy.size} were sent"
            build = check(deploy, flash, after)
            seen[build] += 1
            switched = usbbench.slot(flash)["slot"] == "a"
            if switched or number % STARTED == 0:
                start(deploy, flash, build)
            if number % DEPLOYED_AGAIN == 0:
                deploy_again(deploy, flash)
    assert seen.keys() == {deploy.old, deploy.new}, "some before the switch, some after it"


@pytest.mark.timeout(240)
def test_a_whole_version_whenever_the_power_fails_in_a_write(deploy: Deploy) -> None:
    points = [int(number * deploy.written / CUTS) + 1 for number in range(CUTS)]
    with ProcessPoolExecutor(WORKERS, multiprocessing.get_context("spawn")) as pool:
        for number, (flash, stopped) in enumerate(pool.map(deploy.case.cut, points)):
            assert stopped, f"{points[number]} bytes of {deploy.written} were written"
            build = check(deploy, flash, points[number])
            if number % STARTED == 0:
                start(deploy, flash, build)
            if number % DEPLOYED_AGAIN == 0:
                deploy_again(deploy, flash)


def check(deploy: Deploy, flash: Path, after: int) -> str:
    """Everything on the flash is old or new, and whole. Returns the build that would start."""
    slot = usbbench.slot(flash)
    build = usbbench.whole(flash, slot["slot"])
    assert build == (deploy.new if slot["slot"] == "a" else deploy.old), after
    assert slot["slot"] == "b" or usbbench.whole(flash, slot["previous"]) == deploy.old
    before, made = deploy.case.flash, deploy.case.made
    for name, data in {**made.start, "secrets.json": made.secrets}.items():
        assert (flash / name).read_bytes() in ((before / name).read_bytes(), data), (name, after)
    if slot["slot"] == "a":
        assert (flash / "secrets.json").read_bytes() == made.secrets, "before the switch"
    for name in ("revocations.json", "mine"):
        there, kept = flash / "state" / name, before / "state" / name
        assert there.read_bytes() == kept.read_bytes(), (name, after)
    crash = json.loads((flash / "state" / "crash.json").read_text())
    assert crash["error"] == "kept", "only its count is cleared"
    return build


def start(deploy: Deploy, flash: Path, build: str) -> None:
    """It starts, and admits who has a token."""
    with Board(flash, "micropython") as board:
        board.start()
        board.wait(lambda: board.clock.now() is not None)
        token = mint_token(Device.load(deploy.case.device), subject="test", scope=[], ttl=60)
        if json.loads((flash / "secrets.json").read_text()) != json.loads(deploy.case.made.secrets):
            token = None  # the new key signs, which the old version does not have
        answer = httpx.get(f"{board.url}/healthz", trust_env=False)
        assert answer.json() == {"status": "ok"}
        if token:
            device = httpx.get(
                f"{board.url}/api/v1/device",
                headers={"Authorization": f"Bearer {token}"},
                trust_env=False,
            )
            assert device.json()["build"] == build


def deploy_again(deploy: Deploy, flash: Path) -> None:
    """The next deploy puts it right."""
    with Board(flash, "micropython", usb=True) as board:
        board.power_on()
        assert not deploy.case.deploy(board)
        board.wait(lambda: usbbench.slot(flash)["trial"] == 0, timeout=20)
    assert usbbench.whole(flash, usbbench.slot(flash)["slot"]) == deploy.new
    assert (flash / "secrets.json").read_bytes() == deploy.case.made.secrets
    leftovers = [path for path in flash.rglob("*.new") if path.parent.name != "state"]
    assert leftovers == []


def test_with_power_of_its_own_the_board_is_as_whole(deploy: Deploy, tmp_path: Path) -> None:
    """Only the cable goes. The board stands still then, until it is reset or deployed to."""
    case = deploy.case
    flash = tmp_path / "flash"
    shutil.copytree(case.flash, flash)
    with Board(flash, "micropython", usb=True) as board:
        board.power_on()
        board.usb.pull(after=deploy.size // 2, power=False)
        assert case.deploy(board), "it went on without a cable"
        assert board.alive
        with pytest.raises(NoPort), Repl(board.usb.path):
            pytest.fail("there is no cable")
        check(deploy, flash, deploy.size // 2)
        board.usb.plug()
        assert not case.deploy(board)
        board.wait(lambda: usbbench.slot(flash)["trial"] == 0, timeout=20)
    assert usbbench.whole(flash, usbbench.slot(flash)["slot"]) == deploy.new
