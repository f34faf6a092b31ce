"""The official images: downloaded, kept, and never used when they are not what they should be."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

import esp_images
from pinwarden.errors import BadImage, ChecksumMismatch, NoFirmware
from pinwarden.flash import firmware_store
from pinwarden.flash.chips import CHIPS, Chip

IMAGE = esp_images.micropython("esp32c6")
C6 = CHIPS["esp32c6"]  # one whose checksum nobody has published


@dataclass
class Mirror:
    """Serves `body` to everybody; `announced` is the Content-Length that it speaks of."""

    url: str = ""
    status: int = 200
    body: bytes = IMAGE
    announced: int | None = None
    location: str | None = None
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    """A mirror, in use."""
    it = Mirror()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            it.asked.append(self.path)
            moved = it.location and self.path != it.location
            self.send_response(302 if moved else it.status)
            if moved:
                self.send_header("Location", it.location or "")
            length = 0 if moved else len(it.body) if it.announced is None else it.announced
            self.send_header("Content-Length", str(length))
            self.end_headers()
            if not moved:
                self.wfile.write(it.body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        it.url = f"http://127.0.0.1:{server.server_port}/firmware"
        monkeypatch.setenv("PINWARDEN_FIRMWARE_URL", it.url)
        yield it
        server.shutdown()
        thread.join()


def catalogue(monkeypatch: pytest.MonkeyPatch, chip: Chip, **known: object) -> None:
    """Have this known of the chip's image."""
    monkeypatch.setattr(
        firmware_store, "_catalogue", lambda: {"version": "1.29.0", "date": "20260824", chip.name: known}
    )


def kept() -> list[str]:
    """The names of the files in the cache, those that should not be there too."""
    folder = firmware_store.folder()
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_catalogue_has_every_chip() -> None:
    for chip in CHIPS.values():
        wanted = firmware_store.official(chip)
        assert re.fullmatch(rf"{chip.board}-20\d{{6}}-v1\.\d+\.\d+\.bin", wanted.name)
        assert (wanted.sha256 is None) == (wanted.size is None)
        assert wanted.sha256 is None or re.fullmatch("[0-9a-f]{64}", wanted.sha256)


def test_downloaded_once(mirror: Mirror) -> None:
    told = []
    first = firmware_store.get(C6, lambda *progress: told.append(progress))
    assert first.data == IMAGE
    assert told[-1] == ("Downloading", len(IMAGE), len(IMAGE))
    name = "ESP32_GENERIC_C6-20260824-v1.29.0.bin"
    assert mirror.asked == [f"/firmware/{name}"]
    assert kept() == [name, f"{name}.sha256"]
    assert firmware_store.get(C6).data == IMAGE
    assert len(mirror.asked) == 1


def test_redirected(mirror: Mirror) -> None:
    mirror.location = "/elsewhere.bin"
    assert firmware_store.get(C6).data == IMAGE


def test_kept_where_the_system_keeps_such_things(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PINWARDEN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    assert firmware_store.folder().parts[-2:] == ("pinwarden", "firmware")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"announced": len(IMAGE) + 5000}, "the download was cut off"),
        ({"status": 404}, "the server answered 404"),
        ({"status": 503}, "the server answered 503"),
        ({"body": b"\0" * (17 << 20)}, "it does not end"),
    ],
)
def test_not_had(mirror: Mirror, answer: dict, says: str) -> None:
    for name, value in answer.items():
        setattr(mirror, name, value)
    with pytest.raises(NoFirmware, match=says) as caught:
        firmware_store.get(C6)
    assert "--firmware FILE" in (caught.value.hint or "")
    assert kept() == []


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<html>Please log in to the hotel's network</html>", "a web page"),
        (IMAGE[:-100], "the application is cut short"),
        (b"", "the file is empty"),
        (esp_images.micropython("esp32"), "is for an ESP32, not for an ESP32-C6"),
    ],
)
def test_no_image(mirror: Mirror, body: bytes, says: str) -> None:
    mirror.body = body
    with pytest.raises(BadImage, match=says):
        firmware_store.get(C6)
    assert kept() == []


def test_no_server() -> None:
    with pytest.raises(NoFirmware, match="cannot be downloaded"):
        firmware_store.get(C6)


@pytest.mark.parametrize("url", ["nonsense", "ftp://example.invalid/", "http://[::1/"])
def test_no_url(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("PINWARDEN_FIRMWARE_URL", url)
    with pytest.raises(NoFirmware):
        firmware_store.get(C6)


def test_known_checksum(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue(monkeypatch, C6, size=len(IMAGE), sha256=hashlib.sha256(IMAGE).hexdigest())
    assert firmware_store.get(C6).data == IMAGE


def test_known_checksum_differs(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole and valid image, but another one: somebody put it there."""
    catalogue(monkeypatch, C6, size=len(IMAGE), sha256="0" * 64)
    with pytest.raises(ChecksumMismatch, match="not the file that others have had"):
        firmware_store.get(C6)
    assert kept() == []


def test_known_size_tells_a_cut(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that closes the connection in place of a length."""
    catalogue(monkeypatch, C6, size=len(IMAGE), sha256=hashlib.sha256(IMAGE).hexdigest())
    mirror.body = IMAGE[:5000]
    with pytest.raises(NoFirmware, match=f"cut off after 5000 of {len(IMAGE)} octets"):
        firmware_store.get(C6)


def test_damaged_in_the_cache(mirror: Mirror) -> None:
    firmware_store.get(C6)
    image = firmware_store.folder() / firmware_store.official(C6).name
    image.write_bytes(IMAGE[:-1] + b"?")
    assert firmware_store.get(C6).data == IMAGE
    assert image.read_bytes() == IMAGE
    assert len(mirror.asked) == 2


def test_first_download_holds_for_later_ones(mirror: Mirror) -> None:
    firmware_store.get(C6)
    image = firmware_store.folder() / firmware_store.official(C6).name
    image.unlink()
    mirror.body = esp_images.micropython("esp32c6", app=esp_images.application("esp32c6", size=41000))
    with pytest.raises(ChecksumMismatch, match="not the file that was downloaded before") as caught:
        firmware_store.get(C6)
    assert ".sha256" in (caught.value.hint or "")
    assert not image.exists()


def test_ctrl_c_leaves_nothing(mirror: Mirror) -> None:
    def interrupt(step: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        firmware_store.get(C6, interrupt)
    assert kept() == []
