"""The device folder: what it holds, and what is said when it holds something else."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from pinwarden.device import Device, create
from pinwarden.errors import BadSecrets, BadSettings, BadToml, NoSuchDevice
from pinwarden.find import find, known
from pinwarden.keystore import Keystore

from .conftest import PASSWORD, SSID

Run = Callable[..., Result]


def test_gives_settings_and_secrets(door: Device) -> None:
    assert door.name == "door"
    assert door.settings["pins"]["relay"]["label"] == "Relay"
    assert door.settings["max_ttl"] == 90 * 86400
    wifi = {"ssid": SSID, "password": PASSWORD}
    password = door.setup_password()
    assert password
    assert door.secrets() == {"wifi": wifi, "keys": door.keys(), "setup_password": password}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("version = 1", "version = ", r"^door/device\.toml:3: "),
        ("gpio = 26", "gpio = 34", r"^door/device\.toml:\d\d: pins\.relay\.gpio: 34 .*input"),
        ('kind = "switch"', 'kind = "swich"', r"^door/device\.toml:\d\d: pins\.relay\.kind: .*swich"),
        ("safe = false", "saef = false", r"^door/device\.toml:\d\d: pins\.relay\.saef: .*safe"),
        ('name = "door"', 'name = "Door"', r"^door/device\.toml:\d: name: "),
        ('name = "door"', "", r"^door/device\.toml: name: is missing"),
        ('chip = "esp32"', 'chip = "esp8266"', r"^door/device\.toml:\d\d: chip: "),
        ("[pins.relay]", "[pins.Relay]", r"^door/device\.toml:\d\d: pins: "),
    ],
)
def test_a_wrong_setting_has_its_place(
    edit: Callable[[str, str], None], old: str, new: str, says: str
) -> None:
    edit(old, new)
    with pytest.raises((BadSettings, BadToml), match=says) as caught:
        Device.load(Path("door"))
    assert caught.value.hint


def test_every_problem_is_told_at_once(edit: Callable[[str, str], None], pinwarden: Run) -> None:
    edit("gpio = 26", 'gpio = 34\nmax_on = "long"')
    result = pinwarden("check", "door")
    assert result.exit_code == 1
    assert "pins.relay.gpio" in result.stderr
    assert "pins.relay.max_on" in result.stderr


@pytest.mark.parametrize(
    ("wifi", "says"),
    [
        ('ssid = "Home"\npassword = "short"\n', "wifi.password"),
        ('ssid = "Home"\n', "wifi.password"),
        ('ssid = "Home"\npassword = "long enough"\nsecret = "x"\n', "wifi"),
        ('ssid = ["Home"]\npassword = "long enough"\n', "wifi.ssid"),
        ('ssid = ""\npassword = ""\nsetup_password = "short"\n', "setup_password"),
        ('ssid = ""\npassword = ""\nsetup_password = 12345678\n', "setup_password"),
    ],
)
def test_a_wrong_network_is_told_without_the_password(door: Device, wifi: str, says: str) -> None:
    door.wifi_file.write_text(wifi)
    with pytest.raises(BadSecrets, match=r"^door/secrets/wifi\.toml: " + says) as caught:
        door.secrets()
    assert "short" not in caught.value.message
    assert caught.value.hint == "Edit door/secrets/wifi.toml."


@pytest.mark.parametrize("line", ["", 'setup_password = ""\n'])
def test_setup_mode_without_a_password_is_refused(
    door: Device, edit: Callable[[str, str], None], pinwarden: Run, line: str
) -> None:
    door.wifi_file.write_text('ssid = "Home"\npassword = "long enough"\n' + line)
    assert door.secrets()["setup_password"] is None  # as from a time before there was setup mode
    assert "setup mode" not in pinwarden("check").output
    edit("#setup_mode = false", "setup_mode = true")
    result = pinwarden("check")
    assert result.exit_code == 1
    assert "door/device.toml allows setup mode, but door/secrets/wifi.toml has no" in result.stderr
    assert "or set setup_mode = false" in result.stderr.partition("hint: ")[2]
    with pytest.raises(BadSecrets):
        Device.load(Path("door")).secrets()


def test_check_tells_of_setup_mode(door: Device, edit: Callable[[str, str], None], pinwarden: Run) -> None:
    edit("#setup_mode = false", "setup_mode = true")
    result = pinwarden("check")
    assert result.exit_code == 0
    assert "setup    the board opens a network of its own" in result.stdout
    assert "time server" not in result.stderr
    assert (door.setup_password() or "none") not in result.output
    door.wifi_file.write_text('ssid = ""\npassword = ""\nsetup_password = "k7mw-3hfp"\n')
    result = pinwarden("check")
    assert result.exit_code == 0
    assert "warning: setup mode has no time server" in result.stderr
    assert "k7mw" not in result.output


def test_no_network_is_none(nowhere: Path) -> None:
    assert create("lamp", nowhere).wifi() is None


def test_remembers_where_the_board_was_seen(door: Device) -> None:
    assert door.last_seen() is None
    door.remember("192.168.1.20", 80)
    seen = door.last_seen()
    assert seen is not None
    assert (seen["address"], seen["port"]) == ("192.168.1.20", 80)
    assert (door.folder / ".pinwarden").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("note", ["", "{", "[]", "{}", '{"address": 1, "port": 80, "seen": 0}', "\xff"])
def test_a_broken_note_is_no_note(door: Device, note: str) -> None:
    door.remember("192.168.1.20", 80)
    (door.folder / ".pinwarden" / "last_seen.json").write_text(note, encoding="latin-1")
    assert door.last_seen() is None


def test_finds_the_only_device(door: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find(None).resolve() == door.folder.resolve()
    monkeypatch.chdir(door.folder)
    assert Device.load(find(None)).name == "door"
    assert Device.load(find("door")).name == "door"  # by its name, from within
    assert Device.load(find(".")).name == "door"


def test_finds_a_device_by_path_and_by_the_list(
    door: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "elsewhere"
    other.mkdir()
    create("lamp", other)
    assert Device.load(find("elsewhere/lamp")).name == "lamp"
    assert Device.load(find("elsewhere/lamp/device.toml")).name == "lamp"
    with pytest.raises(NoSuchDevice):
        find("lamp")
    monkeypatch.setenv("PINWARDEN_DEVICES", f"{other}:/nowhere/at/all:")
    assert Device.load(find("lamp")).name == "lamp"
    assert {path.name for path in known()} == {"door", "lamp"}


@pytest.mark.parametrize(
    ("argument", "says", "hint"),
    [
        ("dor", "no device 'dor'", "Did you mean door?"),
        ("nothing", "no device 'nothing'", "Known here: door, lamp"),
        ("empty", "no device folder", "pinwarden init"),
        (None, "several devices here: door, lamp", "which one"),
    ],
)
def test_says_which_devices_there_are(door: Device, argument: str | None, says: str, hint: str) -> None:
    create("lamp", Path())
    Path("empty").mkdir()
    with pytest.raises(NoSuchDevice, match=says) as caught:
        find(argument)
    assert hint in (caught.value.hint or "")


def test_says_that_there_is_no_device(nowhere: Path) -> None:
    with pytest.raises(NoSuchDevice) as caught:
        find(None)
    assert "pinwarden init" in (caught.value.hint or "")


def test_check_says_what_is_there(door: Device, pinwarden: Run) -> None:
    result = pinwarden("check")
    assert result.exit_code == 0
    for text in ("door: good", "relay (switch, GPIO 26)", SSID, door.keys()[0]["kid"]):
        assert text in result.stdout
    assert door.keys()[0]["k"] not in result.output


def test_check_warns(door: Device, edit: Callable[[str, str], None], pinwarden: Run) -> None:
    edit("gpio = 26", "gpio = 12")
    door.wifi_file.write_text('ssid = ""\npassword = ""\n')
    result = pinwarden("check", "door")
    assert result.exit_code == 0
    assert "warning: pins.relay.gpio: 12" in result.stderr
    assert "warning: no network yet" in result.stderr


def test_check_tells_all_that_is_wrong_with_the_secrets(door: Device, pinwarden: Run) -> None:
    door.keys_file.write_text(json.dumps({"keys": [{**door.keys()[0], "k": "c2hvcnQ"}]}))
    door.wifi_file.chmod(0o644)  # told once, though two things are read from it
    result = pinwarden("check", "door")
    assert result.exit_code == 1
    assert "keys.json: keys[0].k: " in result.stderr
    assert result.stderr.count("chmod 600 door/secrets/wifi.toml") == 1
    assert "c2hvcnQ" not in result.output


def test_a_board_gets_the_names_of_retired_keys(door: Device) -> None:
    """Or a recorded request could have one derived again. Not as many as a board has room for: it is to take
    some more.
    """
    assert "retired" not in door.secrets()
    names = [f"k{number}" for number in range(30)]
    for name in names:
        Keystore(door).retire(name)
    assert door.secrets()["retired"] == names[-24:]


def test_check_takes_a_device_with_a_retired_key(door: Device, pinwarden: Run) -> None:
    Keystore(door).retire("2020-01")
    result = pinwarden("check", "door")
    assert result.exit_code == 0
    assert "door: good" in result.stdout
