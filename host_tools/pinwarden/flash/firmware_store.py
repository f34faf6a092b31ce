"""The official MicroPython images: downloaded once, kept in a cache, and checked each time they are used.

CACHE/firmware/NAME.bin         an image that has passed every check
CACHE/firmware/NAME.bin.sha256  what it was when it was first downloaded; a later download must be the same

CACHE is the operating system's folder for what can be had again, or PINWARDEN_CACHE.
"""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from pinwarden import progress
from pinwarden.errors import BadImage, ChecksumMismatch, NoFirmware
from pinwarden.files import short, write_atomic
from pinwarden.flash.chips import Chip
from pinwarden.flash.firmware_image import Firmware, check
from pinwarden.progress import Tell

SOURCE = "https://micropython.org/resources/firmware/"
SOURCE_VARIABLE = "PINWARDEN_FIRMWARE_URL"  # a mirror
CACHE_VARIABLE = "PINWARDEN_CACHE"
_CONNECT, _SILENCE = 10.0, 30.0  # seconds: to get a connection; between two pieces
_ERRNO = re.compile(r"^\[Errno -?\d+\] ")
_LARGEST = 16 << 20  # octets; an image is below 2 MB


@dataclass(frozen=True)
class Official:
    """What is known beforehand about the image for a chip."""

    name: str
    version: str
    size: int | None  # octets
    sha256: str | None  # hexadecimal; None: nobody has published one


def official(chip: Chip) -> Official:
    """The image that is flashed onto a board with this chip."""
    known = _catalogue()
    entry = known[chip.name]
    name = f"{chip.board}-{known['date']}-v{known['version']}.bin"
    return Official(name, known["version"], entry.get("size"), entry.get("sha256"))


def get(chip: Chip, progress: Tell = progress.silent) -> Firmware:
    """The official image for a chip, from the cache or downloaded into it.

    Raises NoFirmware when it cannot be had, ChecksumMismatch when it is another one than it should be, and
    BadImage when it is no image for the chip. Whatever goes wrong, no half of a file stays.
    """
    wanted = official(chip)
    path = folder() / wanted.name
    data = _kept(path)
    if data is not None and hashlib.sha256(data).hexdigest() == _expected(wanted, path):
        return _of(chip, data, short(path))
    data = _download(wanted, progress)
    digest, expected = hashlib.sha256(data).hexdigest(), _expected(wanted, path)
    if expected not in (None, digest):
        raise _mismatch(wanted, path)
    firmware = _of(chip, data, wanted.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(_record(path), f"{digest}  {wanted.name}\n".encode())
    write_atomic(path, data)
    return firmware


def folder() -> Path:
    """Where the images are kept."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named) / "firmware"
    import platformdirs

    return Path(platformdirs.user_cache_dir("pinwarden", appauthor=False)) / "firmware"


def _kept(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _expected(wanted: Official, path: Path) -> str | None:
    """The SHA-256 that the image must have; None where neither the catalogue nor the cache knows one."""
    if wanted.sha256 is not None:
        return wanted.sha256
    try:
        return _record(path).read_text("ascii").split()[0]
    except (OSError, ValueError, IndexError):
        return None


def _record(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _mismatch(wanted: Official, path: Path) -> ChecksumMismatch:
    if wanted.sha256 is not None:
        why = "is not the file that others have had from there"
        remedy = "Does something on the way change downloads? Try another network, or use --firmware."
    else:
        why = "is not the file that was downloaded before"
        remedy = f"If it has been replaced there, and you trust it, remove {short(_record(path))}."
    return ChecksumMismatch(f"the downloaded {wanted.name} {why} (its SHA-256 differs)", remedy)


def _of(chip: Chip, data: bytes, name: str) -> Firmware:
    firmware = check(data, name)
    if firmware.chip != chip:
        raise BadImage(
            f"{name} is for an {firmware.chip.title}, not for an {chip.title}", "Report it, please."
        )
    return firmware


def _download(wanted: Official, progress: Tell) -> bytes:
    import httpx  # slow to import, and a cached image does not need it

    base = os.environ.get(SOURCE_VARIABLE) or SOURCE
    url = base.rstrip("/") + "/" + wanted.name
    data = bytearray()
    timeout = httpx.Timeout(_SILENCE, connect=_CONNECT)
    try:
        with httpx.stream("GET", url, timeout=timeout, follow_redirects=True) as response:
            response.raise_for_status()
            total = _number(response.headers.get("content-length")) or wanted.size or 0
            for piece in response.iter_bytes():
                data += piece
                if len(data) > _LARGEST:
                    raise _not_had(url, "what comes is no image: it does not end")
                progress("Downloading", len(data), total)
    except httpx.HTTPStatusError as error:
        raise _not_had(url, f"the server answered {error.response.status_code}") from None
    except httpx.TimeoutException:
        raise _not_had(url, "the server does not answer") from None
    except httpx.RemoteProtocolError:
        raise _not_had(url, "the download was cut off") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _not_had(url, _ERRNO.sub("", str(error)) or type(error).__name__) from None
    if wanted.size is not None and len(data) < wanted.size and wanted.sha256 is not None:
        raise _not_had(url, f"the download was cut off after {len(data)} of {wanted.size} octets")
    return bytes(data)


def _not_had(url: str, why: str) -> NoFirmware:
    return NoFirmware(
        f"MicroPython cannot be downloaded: {why} ({url})",
        "Try again; or download it by other means, and name the file: --firmware FILE.",
    )


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() else 0


def _catalogue() -> dict:
    text = (resources.files("pinwarden") / "data" / "micropython.toml").read_text("utf-8")
    return tomllib.loads(text)
