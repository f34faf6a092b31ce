"""`pinwarden ca`, and what other commands say of certificates."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from pinwarden.ca import authority
from pinwarden.device import Device

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the authority is, or will be."""
    monkeypatch.setenv(authority.VARIABLE, str(tmp_path / "ca"))
    return tmp_path / "ca"


def good(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return re.sub(r"\s+", " ", result.output)


def bad(result: Result, code: int = 1) -> str:
    assert result.exit_code == code, result.output
    return re.sub(r"\s+", " ", result.output)


@pytest.fixture
def https(door: Device, edit) -> Device:
    edit("\n[http]\n", "\n[http]\ntls = true\n")
    return door


def test_from_nothing_to_a_certificate(pinwarden: Run, https, place) -> None:
    assert "no authority to sign one: pinwarden ca init" in good(pinwarden("check"))
    assert "pinwarden ca init" in bad(pinwarden("ca", "issue"))
    assert "Keep ca/ca.key as you keep a key to your house" in good(pinwarden("ca", "init"))
    said = good(pinwarden("check"))
    assert "no certificate for HTTPS yet: pinwarden deploy door makes it" in said
    assert "https://door.local/" in said
    said = good(pinwarden("ca", "issue", "--address", "192.168.1.20"))
    assert "for door.local, 192.168.1.20" in said
    said = good(pinwarden("check"))
    assert "https://door.local/" in said
    assert "https for door.local, 192.168.1.20, until " in said
    said = good(pinwarden("ca", "show", "door"))
    assert "signed by this authority" in said
    # What --address named once stays.
    assert "for door.local, 192.168.1.20" in good(pinwarden("ca", "issue", "door"))
    assert "https://door.local/#token=" in good(pinwarden("mint", "--pin", "relay", "--link"))


def test_addresses_that_no_certificate_is_for(pinwarden: Run, https, place) -> None:
    good(pinwarden("ca", "init"))
    local = [f"10.0.0.{n}" for n in range(9)]
    options = [text for address in ("8.8.8.8", *local) for text in ("--address", address)]
    said = good(pinwarden("ca", "issue", *options))
    assert "for door.local, 10.0.0.0, 10.0.0.1, " in said
    assert (
        "not for 10.0.0.8, 8.8.8.8: certificates are for addresses of local networks, 8 at the most" in said
    )
    assert "a name under hosts" in said
    assert "--name" not in said, "it takes no address"


def test_is_not_made_twice(pinwarden: Run, place) -> None:
    good(pinwarden("ca", "init"))
    before = {file.name: file.read_bytes() for file in place.iterdir()}
    assert "is there already" in bad(pinwarden("ca", "init"))
    assert {file.name: file.read_bytes() for file in place.iterdir()} == before


def test_for_a_folder_of_devices(pinwarden: Run, https, monkeypatch) -> None:
    monkeypatch.delenv(authority.VARIABLE)
    good(pinwarden("ca", "init", "--in", "."))
    assert Path("pinwarden-ca/ca.key").exists()
    assert "for door.local" in good(pinwarden("ca", "issue"))
    assert "pinwarden-ca/" in good(pinwarden("ca", "show", "door"))


def test_signs_for_the_devices_that_are_there(pinwarden: Run, https, edit) -> None:
    edit("version = 1\n", 'version = 1\nhosts = ["door.example", "door.lan", "panel"]\n')
    said = good(pinwarden("ca", "init", "--name", "Home.Example."))
    assert "localhost, home.example, door.example, 10.0.0.0/8" in said, "neither the bare panel nor door"
    said = good(pinwarden("ca", "issue"))
    assert "for door.local, door.example, door.lan until" in said
    assert "not for panel" in said


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["init", "--name", "a b"], "is no domain"),
        (["init", "--name", "10.0.0.1"], "is no domain"),
        (["issue", "door", "--address", "door.local"], "is no IPv4 address"),
        (["issue", "door", "--address", "fe80::1"], "is no IPv4 address"),
        (["install", "amiga"], "'amiga' is not one of"),
    ],
)
def test_used_wrongly(pinwarden: Run, https, command, said) -> None:
    assert said in bad(pinwarden("ca", *command), 2)


@pytest.mark.parametrize(
    ("system", "words"),
    [
        ("ios", "Certificate Trust Settings"),
        ("android", "CA certificate"),
        ("linux", "certutil"),
        ("macos", "Always Trust"),
        ("windows", "Trusted Root"),
        ("firefox", "Authorities"),
    ],
)
def test_explains_phone_by_phone(pinwarden: Run, place, system, words) -> None:
    good(pinwarden("ca", "init"))
    said = good(pinwarden("ca", "install", system))
    assert words in said
    assert "ca/ca.crt" in said
    octets = authority.fingerprint(authority.load(place).certificate)
    assert octets[:47] in said
    assert octets[48:] in said
    assert words in good(pinwarden("ca", "install"))


def test_install_without_an_authority(pinwarden: Run) -> None:
    assert "no certificate authority yet" in bad(pinwarden("ca", "install"))
    assert "no certificate authority yet" in bad(pinwarden("ca", "show"))


def test_serves_it_until_it_is_told_to_stop(pinwarden: Run, place, monkeypatch) -> None:
    good(pinwarden("ca", "init"))
    monkeypatch.setattr("pinwarden.ca.handout.own_address", lambda: "127.0.0.1")

    def interrupted(self, timeout=None) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pinwarden.commands.ca.threading.Thread.join", interrupted)
    result = pinwarden("ca", "install", "android", "--serve")
    assert result.exit_code == 130
    assert re.search(r"http://127\.0\.0\.1:\d+/[0-9a-f]{8}/pinwarden-ca\.crt", result.output)


def test_serves_nothing_without_a_network(pinwarden: Run, monkeypatch) -> None:
    good(pinwarden("ca", "init"))

    def fail() -> str:
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr("pinwarden.ca.handout.own_address", fail)
    assert "Take ca/ca.crt to the phone yourself" in bad(pinwarden("ca", "install", "ios", "--serve"))
