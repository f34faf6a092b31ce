"""The chips that Pinwarden runs on, as flashing sees them, and the official MicroPython builds for them."""

from __future__ import annotations

from dataclasses import dataclass

from pinwarden.errors import WrongChip


@dataclass(frozen=True)
class Chip:
    """One kind of chip."""

    name: str  # in device.toml
    title: str  # as it is printed on the chip
    image_id: int  # in the header of its images (esp_app_format.h, esp_chip_id_t)
    offset: int  # in flash, of its bootloader, which is where an image begins
    board: str  # MicroPython's name of the build for any board with this chip


CHIPS = {
    chip.name: chip
    for chip in (
        Chip("esp32", "ESP32", 0, 0x1000, "ESP32_GENERIC"),
        Chip("esp32s2", "ESP32-S2", 2, 0x1000, "ESP32_GENERIC_S2"),
        Chip("esp32s3", "ESP32-S3", 9, 0x0, "ESP32_GENERIC_S3"),
        Chip("esp32c3", "ESP32-C3", 5, 0x0, "ESP32_GENERIC_C3"),
        Chip("esp32c6", "ESP32-C6", 13, 0x0, "ESP32_GENERIC_C6"),
    )
}

# Others, for messages.
_OTHER_IDS = {
    12: "ESP32-C2",
    16: "ESP32-H2",
    18: "ESP32-P4",
    20: "ESP32-C61",
    23: "ESP32-C5",
    25: "ESP32-H21",
}


def by_image_id(image_id: int) -> Chip | None:
    """The chip whose images have this number in their header."""
    return next((chip for chip in CHIPS.values() if chip.image_id == image_id), None)


def by_title(title: str) -> Chip:
    """The chip that esptool calls this, such as "ESP32-S3". Raises WrongChip for one that cannot be used."""
    for chip in CHIPS.values():
        if chip.title == title:
            return chip
    names = ", ".join(chip.title for chip in CHIPS.values())
    raise WrongChip(f"the board's chip is an {title}", f"Pinwarden runs on {names}.")


def title_of(image_id: int) -> str:
    """What to call the chip with this number."""
    chip = by_image_id(image_id)
    return (
        chip.title if chip else _OTHER_IDS.get(image_id, f"a chip that is unknown here (number {image_id})")
    )


def must_be(wanted: Chip, found: Chip, of_what: str) -> None:
    """Raise WrongChip unless the board's chip is the one that `of_what` ("door's device.toml") is for."""
    if wanted != found:
        raise WrongChip(
            f"the board has an {found.title}, and {of_what} is for an {wanted.title}",
            "Nothing was erased. Is it the right board, on the right port?",
        )
