"""Devices and boards that speak HTTPS, for tests: an authority, a device folder, and clients that verify."""

from __future__ import annotations

import datetime
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

import testbed
from pinwarden import board as files
from pinwarden.ca import authority, leaf
from pinwarden.ca.authority import Authority
from pinwarden.device import Device, create
from pinwarden_sim import Board

NOW = datetime.datetime.now(datetime.UTC)
HOST = {"Host": f"{testbed.NAME}.local"}
SNI = {"sni_hostname": f"{testbed.NAME}.local"}


def make_authority(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """A new authority in `folder`/ca, which is the one that is used from now on."""
    monkeypatch.setenv(authority.VARIABLE, str(folder / "ca"))
    return authority.create(folder / "ca", (), NOW)


def make_device(folder: Path, name: str = testbed.NAME) -> Device:
    """A device folder with HTTPS; its key is that of the testbed."""
    made = create(name, folder)
    file = made.folder / "device.toml"
    file.write_text(file.read_text().replace("\n[http]\n", "\n[http]\ntls = true\n"))
    return Device.load(made.folder)


def certificate(device: Device) -> dict[str, str]:
    """What goes into the board's secrets; the certificate is for this computer, too."""
    leaf.ensure(device, [authority.Address("127.0.0.1")])
    found = leaf.read(device)
    assert found is not None
    return found.for_board()


def install(flash: Path, runtime: str, pair: dict[str, str] | None, **changes: object) -> None:
    """Make `flash` that of the testbed's device with HTTPS; `changes` are settings of http."""
    settings = testbed.settings(http={"tls": True, **changes})
    secrets = testbed.secrets() | ({"tls": pair} if pair else {})
    files.install(flash, settings, secrets, mpy=runtime == "micropython")


@contextmanager
def board(
    flash: Path, runtime: str, pair: dict[str, str], *, heapsize: str | None = None, **changes: object
) -> Iterator[Board]:
    """The device on a started board whose clock is right; `changes` as for `install`."""
    install(flash, runtime, pair, **changes)
    with Board(flash, runtime, clock=int(time.time()), heapsize=heapsize) as made:
        yield made.start()


def context(signer: Authority) -> ssl.SSLContext:
    """What a phone has that trusts the authority, and nobody else."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.load_verify_locations(signer.certificate_file)
    return made


@contextmanager
def client(board: Board, signer: Authority) -> Iterator[httpx.Client]:
    """A client that verifies the board's certificate, and keeps its connection."""
    with httpx.Client(
        verify=context(signer), base_url=f"https://127.0.0.1:{board.port}", headers=HOST, trust_env=False
    ) as made:
        yield made
