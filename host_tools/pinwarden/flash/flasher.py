"""A board's flash, erased and written anew: with MicroPython, or with a whole device's image.

Whatever can be wrong is found out before anything is erased. From then on the board can be tried again at
any time: the bootloader, without which a chip starts nothing, is written last, so what an interruption leaves
is a board that waits for the next attempt, never one that starts a half.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pinwarden import progress
from pinwarden.errors import FlashFull, FlashInterrupted, NotFlashed, UserError, WouldErase, WrongChip
from pinwarden.flash import board_flash, chips, esptool_link, firmware_store, partitions
from pinwarden.flash.board_flash import Found
from pinwarden.flash.chips import Chip
from pinwarden.flash.esptool_link import Link, LinkFailed
from pinwarden.flash.firmware_image import Firmware
from pinwarden.progress import Tell

BAUD = 460800  # what every usual bridge and cable carries
_AGAIN = (
    "Nothing is broken: run the same command again. If it fails again, try another cable, or slowly: "
    "pinwarden flash --baud 115200"
)


@dataclass(frozen=True)
class Flashed:
    """What was done."""

    chip: Chip
    firmware: Firmware
    flash_size: int  # octets


def flash(
    port: str,
    chip: Chip | None = None,
    image: Firmware | None = None,
    progress: Tell = progress.silent,
    *,
    whose: str = "device.toml",
    may_erase: Callable[[Found], bool] | None = None,
    baud: int = BAUD,
) -> Flashed:
    """Flash the board on a port, and start it.

    `chip` is the one that `whose` settings are for: another one on the board is an error. Without `image`
    the official MicroPython for the board's chip is taken. `may_erase` is asked before something on the board
    is deleted; without it nothing is asked.

    Raises WrongChip, BadImage, FlashFull, NoFirmware, NotFlashed, WouldErase, FlashInterrupted, and what
    `ports.failed` makes of a port that fails. The messages say what is left on the board.
    """
    if chip is not None and image is not None:
        _match(image, chip, f"{whose} is for")
    if chip is not None and image is None:
        image = firmware_store.get(chip, progress)  # while the board still does what it did
    state = _State()
    with _explained(state):
        progress("Connecting", 0, 0)
        with esptool_link.connect(port, baud) as link, _restarted(link, state):
            found = chips.by_title(link.title)
            if chip is not None:
                chips.must_be(chip, found, whose)
            if image is None:
                image = firmware_store.get(found, progress)
            _match(image, found, "the board has")
            _check(link, image)
            _ask(link, found, may_erase)
            _write(link, image, progress, state)
            return Flashed(found, image, link.flash_size)


class _State:
    """How far it has come, which is what an error must tell."""

    erased = False
    written = False


def _match(image: Firmware, chip: Chip, who: str) -> None:
    if image.chip != chip:
        raise WrongChip(
            f"the image is for an {image.chip.title}, and {who} an {chip.title}",
            "Nothing was erased. Take the image for that chip, or leave the option out.",
        )


def _check(link: Link, image: Firmware) -> None:
    """That the board can hold the image and start it."""
    if image.end > link.flash_size:
        raise FlashFull(
            f"the image needs {image.end >> 10} kB of flash, and the board has {link.flash_size >> 10} kB",
            "Nothing was erased. Pinwarden needs a board with 4 MB or more.",
        )
    for part in (image.bootloader, image.application):
        if not part.allows(link.revision):
            raise WrongChip(
                f"the image needs another revision of the {link.title} than the board's, which is "
                f"v{link.revision // 100}.{link.revision % 100}",
                "Nothing was erased. Take another MicroPython, or a newer board.",
            )


def _ask(link: Link, chip: Chip, may_erase: Callable[[Found], bool] | None) -> None:
    if may_erase is None:
        return
    found = board_flash.look(link.read, chip, link.flash_size)
    if found is not None and not may_erase(found):
        raise WouldErase("the board was left as it is", "It runs on.")


def _write(link: Link, image: Firmware, progress: Tell, state: _State) -> None:
    def told(done: int, total: int) -> None:
        # The second and last piece is small: it is written in no time, and its bar would only flicker.
        if not state.written:
            progress("Writing", done, total)
            state.written = done >= total
            if state.written:
                progress("Verifying", 0, 0)

    progress("Erasing", 0, 0)
    state.erased = True
    start = image.chip.offset
    bootloader = partitions.OFFSET - start
    pieces = [(partitions.OFFSET, image.data[bootloader:]), (start, image.data[:bootloader])]
    link.erase_and_write(pieces, told)
    progress("Verifying", 1, 1)
    with contextlib.suppress(LinkFailed, UserError):
        link.reset()  # flashed it is, in any case


@contextlib.contextmanager
def _restarted(link: Link, state: _State) -> Iterator[None]:
    """Let the board do again what it did, if nothing of it was changed."""
    try:
        yield
    except BaseException:
        if not state.erased:
            with contextlib.suppress(LinkFailed, UserError, OSError):
                link.reset()
        raise


@contextlib.contextmanager
def _explained(state: _State) -> Iterator[None]:
    """Add to whatever goes wrong what it leaves on the board."""
    try:
        yield
    except LinkFailed as error:
        if state.erased:
            raise NotFlashed(f"the board is not flashed: {error}", _AGAIN) from None
        raise NotFlashed(f"the board cannot be flashed: {error}", f"Nothing was erased. {_AGAIN}") from None
    except UserError as error:
        if state.erased:
            raise NotFlashed(f"the board is not flashed: {error.message}", _AGAIN) from None
        raise
    except KeyboardInterrupt:
        if state.erased:
            raise FlashInterrupted(
                "interrupted: the board is erased, and has no firmware that starts",
                "Nothing is broken: run the same command again.",
            ) from None
        raise FlashInterrupted("interrupted: nothing on the board was changed") from None
