"""The QR code holds the link, on the terminal and in files, and nobody but the owner reads the files."""

import io
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
import segno
from click.testing import Result
from rich.console import Console

from pinwarden import qr
from pinwarden.device import Device

Run = Callable[..., Result]
LINK = "http://192.168.1.20/#token=eyJhbGciOiJIUzI1NiJ9." + "x" * 200 + "." + "y" * 43


def modules(drawn: list[str]) -> list[list[int]]:
    """The dark modules of half blocks; the light ones are drawn."""
    halves = {"█": (0, 0), "▀": (0, 1), "▄": (1, 0), " ": (1, 1)}
    rows = []
    for line in drawn:
        rows += [[halves[char][half] for char in line] for half in (0, 1)]
    return rows


@pytest.mark.parametrize("link", ["http://d/", LINK, LINK + "z" * 500])
def test_the_terminal_shows_every_module(link: str) -> None:
    wanted = [list(row) for row in segno.make_qr(link, error="l").matrix_iter(border=4)]
    seen = modules(qr.lines(qr.make(link)))
    assert seen[: len(wanted)] == wanted
    assert len(seen) - len(wanted) <= 1  # an odd number of rows ends in half a line


def test_a_token_of_the_greatest_length_fits() -> None:
    assert qr.make("http://192.168.100.200:65535/#token=" + "x" * 2048)


def test_mint_draws_the_link(door: Device, pinwarden: Run) -> None:
    result = pinwarden("mint", "--pin", "relay", "--qr", "--link")
    drawn = [line for line in result.stderr.splitlines() if line.strip() and set(line) <= set("█▀▄ ")]
    assert drawn == qr.lines(qr.make(result.stdout.strip()))


@pytest.mark.parametrize(("name", "starts"), [("code.png", b"\x89PNG"), ("code.SVG", b"<?xml")])
def test_writes_a_private_file(door: Device, pinwarden: Run, name: str, starts: bytes) -> None:
    result = pinwarden("mint", "--pin", "relay", "--qr-file", name)
    assert result.exit_code == 0
    assert Path(name).read_bytes().startswith(starts)
    assert stat.S_IMODE(Path(name).stat().st_mode) == 0o600
    assert f"The QR code is in {name}" in result.stderr


def test_too_narrow_a_terminal_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # makes the console take itself for a terminal
    monkeypatch.setenv("COLUMNS", "40")
    qr.show(LINK)
    shown = capsys.readouterr().err
    assert "--qr-file" in shown
    assert "█" not in shown


def test_an_encoding_without_blocks_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    drawn = io.BytesIO()
    terminal = io.TextIOWrapper(drawn, "ascii", "replace")
    qr.show(LINK, Console(file=terminal), "open the link")
    assert "use UTF-8, or open the link" in capsys.readouterr().err
    assert drawn.getvalue() == b""
