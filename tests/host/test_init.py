"""`pinwarden init`: a whole device or none, and no secret where others could read it."""

import os
import re
import signal
import stat
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from pinwarden import boardlib, create
from pinwarden.device import Device

from .conftest import PASSWORD

Run = Callable[..., Result]

# The pins in the comments of device.toml, and what is described beside the relay that it begins with.
EXAMPLES = {
    "opener": "pulse",
    "dimmer": "pwm",
    "blind": "servo",
    "lamp": "rgb",
    "button": "input",
    "battery": "analog",
}
OF_RELAY = {"active_low", "safe", "max_on", "min_interval", "confirm", "interlock"}


def mode(path: str) -> int:
    return stat.S_IMODE(Path(path).stat().st_mode)


def test_creates_a_device(pinwarden: Run) -> None:
    result = pinwarden("init", "door")
    assert result.exit_code == 0
    assert "pinwarden check door" in result.stdout
    assert sorted(p.as_posix() for p in Path().rglob("*")) == [
        "door",
        "door/.gitignore",
        "door/device.toml",
        "door/secrets",
        "door/secrets/keys.json",
        "door/secrets/wifi.toml",
    ]
    device = Device.load(Path("door"))
    assert len(device.keys()) == 1
    assert device.keys()[0]["k"] not in result.output
    assert device.wifi() is None


def test_secrets_are_private_whatever_the_umask(pinwarden: Run) -> None:
    before = os.umask(0)
    try:
        pinwarden("init", "door")
    finally:
        os.umask(before)
    assert mode("door/secrets") == 0o700
    assert mode("door/secrets/keys.json") == mode("door/secrets/wifi.toml") == 0o600


def test_each_device_has_a_password_of_its_own_for_setup_mode(pinwarden: Run) -> None:
    found = set()
    for name in ("door", "lamp"):
        result = pinwarden("init", name)
        password = Device.load(Path(name)).secrets()["setup_password"]
        assert re.fullmatch(r"([a-km-np-z2-9]{4}-){3}[a-km-np-z2-9]{4}", password)
        assert password not in result.output
        found.add(password)
    assert len(found) == 2


def test_git_ignores_the_secrets(pinwarden: Run) -> None:
    pinwarden("init", "door")
    subprocess.run(["git", "init", "-q"], check=True)
    Path("door/.pinwarden").mkdir()
    Path("door/.pinwarden/last_seen.json").write_text("{}")
    subprocess.run(["git", "add", "."], check=True)
    staged = subprocess.run(["git", "ls-files"], check=True, capture_output=True, text=True).stdout.split()
    assert staged == ["door/.gitignore", "door/device.toml"]


@pytest.mark.parametrize("chip", create.RELAY_GPIO)
def test_the_sample_fits_each_chip(pinwarden: Run, chip: str) -> None:
    assert pinwarden("init", "door", "--chip", chip).exit_code == 0
    device = Device.load(Path("door"))
    assert device.settings["chip"] == chip
    assert device.warnings() == []


def test_offers_every_chip() -> None:
    assert set(create.RELAY_GPIO) == set(boardlib.firmware("chips").CHIPS)


@pytest.mark.parametrize("chip", create.RELAY_GPIO)
def test_the_template_describes_every_setting_at_its_default(pinwarden: Run, chip: str) -> None:
    """With every comment that is a setting made one, device.toml says the same: its comments tell no lies."""
    pinwarden("init", "door", "--chip", chip)
    schema = boardlib.firmware("settings")
    text = Path("door/device.toml").read_text()
    short = schema.check_settings(tomllib.loads(text))
    lines = [
        line[1:] if line.startswith("#") and line[1:2] not in (" ", "") else line
        for line in text.splitlines()
    ]
    data = tomllib.loads("\n".join(lines))
    assert data["pins"]["relay"].pop("interlock") == ["other"]  # an example, as are the next ones
    for name, example in (("hosts", ["door.lan"]), ("issuer", "https://home.example")):
        assert data.pop(name) == example
    every = schema.check_settings(data)["pins"]
    for name, kind in EXAMPLES.items():
        example = data["pins"].pop(name)
        least = {member: example[member] for member in ("kind", "gpio", "label")}
        (by_default,) = schema.check_settings({**data, "pins": {name: least}})["pins"].values()
        assert (example["kind"], every[name]) == (kind, by_default)
        assert set(by_default) - set(example) <= OF_RELAY
    full = schema.check_settings(data)
    assert full == short
    assert set(data) | {"hosts", "issuer"} == set(short)
    assert set(data["http"]) == set(short["http"])
    assert set(data["policy"]) == set(short["policy"])


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Door", "For example: door"),
        ("my door", "For example: my-door"),
        ("1door", "For example: door"),
        ("door-", "For example: door"),
        ("d", "2 to 32"),
        ("d" * 33, "For example: " + "d" * 32),
        ("../door", "For example: door"),
        ("a/b", "For example: a-b"),
        ("", "2 to 32"),
        ("\x1b[31m", "2 to 32"),
    ],
)
def test_refuses_a_bad_name(pinwarden: Run, name: str, says: str) -> None:
    result = pinwarden("init", "--", name)
    assert result.exit_code == 1
    assert says in result.stderr
    assert "\x1b" not in result.output
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch, lambda path: path.symlink_to("nowhere")])
def test_leaves_what_exists_alone(pinwarden: Run, make: Callable[[Path], None]) -> None:
    make(Path("door"))
    result = pinwarden("init", "door")
    assert result.exit_code == 1
    assert "door exists already" in result.stderr
    assert [path.name for path in Path().iterdir()] == ["door"]


def test_takes_the_folder_to_create_it_in(pinwarden: Run) -> None:
    result = pinwarden("init", "door", "--in", "boards")
    assert result.exit_code == 1
    assert "mkdir -p boards" in result.stderr
    Path("boards").mkdir()
    assert pinwarden("init", "door", "--in", "boards").exit_code == 0
    assert Device.load(Path("boards/door")).name == "door"


@pytest.mark.parametrize(
    ("args", "stdin", "env"),
    [
        (["--password-stdin"], PASSWORD + "\n", {}),
        (["--password-stdin"], PASSWORD + "\r\nmore", {}),
        ([], None, {"PINWARDEN_WIFI_PASSWORD": PASSWORD}),
    ],
)
def test_takes_the_password_unseen(
    pinwarden: Run, args: list[str], stdin: str | None, env: dict[str, str]
) -> None:
    result = pinwarden("init", "door", "--ssid", "Home", *args, stdin=stdin, env=env)
    assert result.exit_code == 0
    assert Device.load(Path("door")).wifi() == {"ssid": "Home", "password": PASSWORD}


@pytest.mark.parametrize(
    ("args", "stdin", "code", "says"),
    [
        (["--ssid", "Home"], None, 2, "the password of the network 'Home' is missing"),
        (["--password-stdin"], "x\n", 2, "needs --ssid"),
        (["--ssid", "Home", "--password-stdin"], "short\n", 1, "wifi.password: "),
        (["--ssid", "", "--password-stdin"], "long enough\n", 1, "wifi.ssid: "),
        (["--password", "long enough"], None, 2, "--password"),
        (["--chip", "esp8266"], None, 2, "esp32c3"),
    ],
)
def test_a_wrong_network_leaves_nothing(
    pinwarden: Run, args: list[str], stdin: str, code: int, says: str
) -> None:
    result = pinwarden("init", "door", *args, stdin=stdin)
    assert result.exit_code == code
    assert says in result.stderr
    assert "hint: " in result.stderr
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_an_interruption_leaves_nothing(
    pinwarden: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def interrupt(*_: object) -> None:
        assert len(list(Path().iterdir())) == 1
        raise error

    monkeypatch.setattr(create.keys, "write", interrupt)  # the toml file is there by then
    result = pinwarden("init", "door")
    assert result.exit_code == (130 if error is KeyboardInterrupt else 1)
    assert error is KeyboardInterrupt or result.stderr == "error: door: No space left on device\n"
    assert list(Path().iterdir()) == []


def test_ctrl_c_at_the_prompt_leaves_nothing(nowhere: Path) -> None:
    """On a real terminal, where the password is asked for."""
    import pty

    parent, child = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TERM": "dumb"}
    process = subprocess.Popen(
        [sys.executable, "-m", "pinwarden", "init", "door", "--ssid", "Home"],
        stdin=child,
        stdout=child,
        stderr=child,
        env=environment,
        start_new_session=True,
    )
    os.close(child)
    shown = b""
    deadline = time.monotonic() + 30
    while b"Password of Home" not in shown and time.monotonic() < deadline:
        shown += os.read(parent, 1024)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130
    os.close(parent)
    assert b"Traceback" not in shown
    assert list(nowhere.iterdir()) == []
