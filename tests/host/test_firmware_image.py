"""MicroPython images: what passes, and every way in which a file is none."""

from __future__ import annotations

from pathlib import Path

import pytest

import esp_images
from pinwarden.errors import BadImage, TooOld, UnreadableFile, UserError
from pinwarden.flash import chips, esp_image, firmware_image, partitions

GOOD = esp_images.micropython("esp32c3")
APP = esp_images.APPLICATION


def changed(at: int, to: bytes = b"\x5a\xa5\x5a") -> bytes:
    """The good image with some octets replaced."""
    return GOOD[:at] + to + GOOD[at + len(to) :]


@pytest.mark.parametrize("chip", list(chips.CHIPS))
def test_image_of_each_chip(chip: str) -> None:
    firmware = firmware_image.check(esp_images.micropython(chip), "x.bin")
    assert firmware.chip.name == chip
    assert (firmware.chip.image_id, firmware.chip.offset) == esp_images.CHIPS[chip]
    assert (firmware.version, firmware.built) == ("1.29.0", "2026-08-24")
    assert firmware.bootloader.flash_size == 4 << 20
    assert firmware.vfs is None
    assert firmware.file_system is None


def test_vfs_named_by_the_table() -> None:
    older = esp_images.micropython("esp32", partitions=(*esp_images.MICROPYTHON, esp_images.VFS))
    vfs = firmware_image.check(older, "x.bin").vfs
    assert vfs == partitions.Partition("vfs", 1, 0x81, 0x200000, 0x200000)


def test_image_from_flash_offset_0() -> None:
    """As tools write it that merge for chips whose bootloader is at 0x1000."""
    data = esp_images.micropython("esp32")
    assert firmware_image.check(b"\xff" * 0x1000 + data, "x.bin").data == data


def test_table_is_built_as_it_was_read() -> None:
    table = GOOD[0x8000 : 0x8000 + partitions.SIZE]
    assert partitions.build(partitions.parse(table)) == table


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf\n <!DOCTYPE html>", "a web page"),
        (b"PK\x03\x04" + GOOD, "a zip archive"),
        (b"\x1f\x8b\x08", "compressed"),
        (b"\x7fELF\x01", "an ELF file"),
        (b"UF2\n\x57\x51\x5d\x9e", "a UF2 file"),
        (b":10010000214601360121470136007EFE09D2190140", "Intel HEX"),
        (b"version https://git-lfs.github.com/spec/v1", "pointer of Git LFS"),
        (b"\xff" * len(GOOD), "no image for an ESP32"),
        (b"\0" * len(GOOD), "no image for an ESP32"),
        (esp_images.application("esp32c3"), "an application alone (.app-bin)"),
        (GOOD[:10], "the bootloader is cut short"),
        (GOOD[:2000], "the bootloader is cut short"),
        (GOOD[:0x7000], "cut short: there is nothing after the bootloader"),
        (GOOD[:0x8010], "the partition table is cut short"),
        (GOOD[:0x9000], "the application is cut short"),
        (GOOD[: APP + 30], "the application is cut short"),
        (GOOD[: APP + 20000], "the application is cut short"),
        (GOOD[:-1], "the application is cut short"),
        (changed(1, b"\x63"), "the bootloader is damaged: it has 99 segments"),
        (changed(1000), "the bootloader is damaged: its checksum"),
        (changed(4, b"\1\2\3\4"), "the bootloader is damaged: its SHA-256"),
        (changed(0x8000, b"\xff" * partitions.SIZE), "has no application"),
        (changed(0x8000, b"\0\0\0\0"), "there is no partition table"),
        (changed(0x8020, b"\0\0\0\0"), "the partition table is damaged"),
        (changed(0x8015), "the partition table is damaged: its MD5"),
        (changed(APP + 1000), "the application is damaged: its checksum"),
        (changed(APP + 4), "the application is damaged: its SHA-256"),
        (esp_images.image(16, b"\0" * 64), "it is for ESP32-H2"),
        (esp_images.image(99, b"\0" * 64), "it is for a chip that is unknown here (number 99)"),
        (
            esp_images.micropython("esp32c3", app=esp_images.application("esp32s3")),
            "its bootloader is for ESP32-C3, its application for ESP32-S3",
        ),
        (
            esp_images.micropython("esp32c3", app=esp_images.application("esp32c3", banner=b"Tasmota 15")),
            "not MicroPython",
        ),
        (
            esp_images.micropython("esp32c3", partitions=(("factory", 0, 0, APP, 0x1000),)),
            "larger than its partition",
        ),
        (
            esp_images.micropython("esp32", partitions=(*esp_images.MICROPYTHON, esp_images.VFS)).ljust(
                0x300000 - 0x1000, b"\xff"
            ),
            "its file system is cut short",
        ),
    ],
)
def test_refused(data: bytes, says: str) -> None:
    with pytest.raises(BadImage) as caught:
        firmware_image.check(data, "some.bin")
    assert caught.value.message.startswith("some.bin: ")
    assert says in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "banner", [b"MicroPython v1.23.0 on 2024-06-02", b"MicroPython v1.20-77-g1 on 2023-06-02"]
)
def test_too_old(banner: bytes) -> None:
    with pytest.raises(TooOld, match=r"needs 1\.24 or newer"):
        firmware_image.check(
            esp_images.micropython("esp32", app=esp_images.application("esp32", banner=banner)), "x"
        )


def test_every_cut_is_noticed() -> None:
    """There is no length at which half of an image passes for a whole one."""
    for length in range(0, len(GOOD), 997):
        with pytest.raises(BadImage):
            firmware_image.check(GOOD[:length], "x.bin")


def test_every_change_of_the_programs_is_noticed() -> None:
    """Header, segments, padding, checksum and SHA-256 of both."""
    boot = esp_image.read(GOOD, 0, "it").size
    app = esp_image.read(GOOD, APP, "it").size
    for at in [*range(0, boot, 211), *range(APP, APP + app, 1009)]:
        with pytest.raises(UserError):
            firmware_image.check(changed(at, bytes([GOOD[at] ^ 0x10])), "x.bin")


@pytest.mark.parametrize(
    ("lowest", "highest", "revision", "runs"),
    [(0, 0xFFFF, 0, True), (3, 0xFFFF, 2, False), (3, 199, 3, True), (3, 199, 200, False), (0, 0, 301, True)],
)
def test_revisions(lowest: int, highest: int, revision: int, runs: bool) -> None:
    data = esp_images.image(0, b"\0" * 64, lowest=lowest, highest=highest)
    assert esp_image.read(data, 0, "it").allows(revision) is runs


@pytest.mark.parametrize(("chip", "old", "lowest"), [(0, 3, 300), (5, 3, 3), (9, 0, 0)])
def test_revisions_of_older_builds(chip: int, old: int, lowest: int) -> None:
    data = bytearray(esp_images.image(chip, b"\0" * 64, highest=0, digest=False))
    data[14] = old
    assert esp_image.read(bytes(data), 0, "it").lowest_revision == lowest


def test_an_image_without_sha256(tmp_path: Path) -> None:
    data = esp_images.image(5, b"\1\2\3\4" * 40, digest=False)
    assert esp_image.read(data, 0, "it").size == len(data)


def test_load(tmp_path: Path) -> None:
    file = tmp_path / "mp.bin"
    with pytest.raises(UnreadableFile, match="No such file"):
        firmware_image.load(file)
    file.write_bytes(GOOD)
    assert firmware_image.load(file).data == GOOD
    with open(file, "wb") as sparse:
        sparse.truncate(64 << 20)
    with pytest.raises(BadImage, match="larger than any board's flash"):
        firmware_image.load(file)
