"""What goes onto a board: compiled, gzipped, the same octets each time, and nothing secret in a version."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from pinwarden import board, boardlib, packing
from pinwarden.deploy import release
from pinwarden.device import Device
from pinwarden.errors import BadSecrets, BadSettings


@pytest.fixture
def made(door: Device) -> release.Release:
    return release.build(door)


def test_every_source_is_in_it(made: release.Release) -> None:
    sources = board.files()
    modules = {place for place in sources if place.endswith(".py") and place[1:] not in board.START_FILES}
    web = {path.name: path.read_bytes() for path in (board.ROOT / "firmware" / "web").iterdir()}
    assert made.files.keys() == (
        {place.removeprefix("/").removesuffix(".py") + ".mpy" for place in modules}
        | {f"firmware/web/{name}" for name in packing.packed(web)}
        | {"settings.json"}
    )
    assert made.start.keys() == {"slots.py", "boot.py", "main.py"}


def test_modules_are_bytecode_that_the_boards_micropython_reads(made: release.Release) -> None:
    for path, data in made.files.items():
        if path.endswith(".mpy"):
            assert data[:2] == bytes((ord("M"), release.MPY_VERSION)), path
            assert data[2] & ~3 == 0, f"{path} has native code, which is for one architecture"


def test_start_files_are_as_they_stand(made: release.Release) -> None:
    assert made.start["main.py"] == (board.ROOT / "main.py").read_bytes()


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_page_speaks_the_devices_language(door: Device, language: str) -> None:
    file = door.folder / "device.toml"
    file.write_text(file.read_text().replace('#language = "en"', f'language = "{language}"'))
    made = release.build(Device.load(door.folder))
    page = gzip.decompress(made.files["firmware/web/index.html.gz"])
    assert f'<html lang="{language}">'.encode() in page
    script = next(data for path, data in made.files.items() if path.endswith(".js.gz"))
    texts = board.ROOT / "firmware" / "web" / f"text.{language}.js"
    assert packing.without_comments(texts.read_bytes()) in gzip.decompress(script)


def test_a_language_that_the_page_has_not(door: Device) -> None:
    file = door.folder / "device.toml"
    file.write_text(file.read_text().replace('#language = "en"', 'language = "tlh"'))
    with pytest.raises(BadSettings, match=r'device\.toml:\d+: language: holds "tlh"; may hold de, en'):
        Device.load(door.folder)


def test_the_settings_are_checked_and_whole(made: release.Release, door: Device) -> None:
    assert json.loads(made.files["settings.json"]) == json.loads(json.dumps(door.settings))
    boardlib.firmware("settings").check_settings(json.loads(made.files["settings.json"]))


def test_the_secrets_are_in_no_version(made: release.Release, door: Device) -> None:
    assert json.loads(made.secrets) == door.secrets()
    for key in list(door.keys()):
        assert key["k"].encode() not in b"".join([*made.files.values(), *made.start.values(), made.manifest])
        assert key["k"] not in repr(made)


def test_the_same_makes_the_same(made: release.Release, door: Device) -> None:
    again = release.build(Device.load(door.folder))
    assert (again.files, again.start, again.manifest, again.secrets) == (
        made.files,
        made.start,
        made.manifest,
        made.secrets,
    )


def test_the_manifest_tells_each_hash(made: release.Release) -> None:
    manifest = json.loads(made.manifest)
    assert manifest == {
        "version": boardlib.version(),
        "build": made.build,
        "files": {path: hashlib.sha256(data).hexdigest() for path, data in made.files.items()},
    }
    assert list(manifest["files"]) == sorted(made.files), "in the order in which the board lists them"
    assert len(made.build) == 12


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda files: {**files, "settings.json": b"{}"}, id="a content"),
        pytest.param(lambda files: {**files, "firmware/more.mpy": b""}, id="one more"),
        pytest.param(
            lambda files: {
                ("firmware/wapi.mpy" if path == "firmware/api.mpy" else path): data
                for path, data in files.items()
            },
            id="a name",
        ),
    ],
)
def test_whatever_differs_is_another_build(
    made: release.Release, change: Callable[[dict[str, bytes]], dict[str, bytes]]
) -> None:
    assert replace(made, files=change(made.files)).build != made.build


def test_other_secrets_are_the_same_build(made: release.Release) -> None:
    assert replace(made, secrets=b"{}").build == made.build


def test_without_keys_there_is_none(door: Device) -> None:
    door.keys_file.write_text('{"keys": []}')
    with pytest.raises(BadSecrets):
        release.build(door)
