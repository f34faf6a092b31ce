"""What can go wrong in a way that the user can put right: one class for each cause.

Every error says what is wrong and where (`message`) and what to do about it (`hint`). The command line makes
them into text and an exit code in one place, `pinwarden.cli`; everything else raises them.
"""

from __future__ import annotations

import re


class UserError(Exception):
    """Something that the user can put right. `message` says what and where, `hint` what to do."""

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class NoAuthority(UserError):
    """There is no certificate authority, or not all of it."""


class AuthorityExists(UserError):
    """An authority is to be made where there is one."""


class BadCertificate(UserError):
    """A file that holds no certificate, or not the one that belongs there."""


class NoSuchDevice(UserError):
    """No device folder was found where one was named or expected."""


class DeviceExists(UserError):
    """The folder that is to be created is there already."""


class BadName(UserError):
    """A device name that cannot be a host name and a token's audience."""


class UnreadableFile(UserError):
    """A file of the device folder is missing, cannot be opened, or is not text."""


class BadToml(UserError):
    """A file is not TOML; the message has its line."""


class BadSettings(UserError):
    """device.toml is TOML, but not a device that the board could run."""


class UnknownLanguage(UserError):
    """A language in which the phone page has no texts."""


class BadSecrets(UserError):
    """A file below secrets/ does not hold what it should; the message never shows what it holds."""


class ExposedSecret(UserError):
    """A secret that other users of this computer could read."""


class WeakKey(UserError):
    """A key that the board would refuse (RFC 7518 section 3.2)."""


class UnknownPin(UserError):
    """A pin that the device does not have."""


class UnknownScope(UserError):
    """A scope that means nothing to a board."""


class NoScope(UserError):
    """A token was asked for that would allow nothing."""

    exit_code = 2


class TtlTooLong(UserError):
    """A token would live longer than the device's policy allows."""


class TokenTooLong(UserError):
    """A token would be longer than a board reads."""


class ClockWrong(UserError):
    """This computer's clock cannot be right, so no token of it could be."""


class NotAToken(UserError):
    """A text that was to be inspected or sent is not a JSON Web Token."""


class BadRequest(UserError):
    """A call that no board could answer: a path or a body that cannot be sent."""

    exit_code = 2


class Unreachable(UserError):
    """The board did not answer."""

    exit_code = 3


class Refused(UserError):
    """The board answered, and the answer was not a success."""


class MissingPart(UserError):
    """A part of Pinwarden itself is not installed."""


class PortBusy(UserError):
    """Another program has the serial port open."""

    exit_code = 3


class PortGone(UserError):
    """The serial port is not there, or went away: a cable was pulled, or the board lost its power."""

    exit_code = 3


class NoRepl(UserError):
    """Something is at the serial port, and MicroPython's raw REPL was not to be had from it.

    `reason`: "silent" (nothing came), "bootloader" (it waits for a flash tool), "blank" (it has no firmware),
    "resets" (it starts over and over), "foreign" (it says something, but is no MicroPython), "stuck"
    (MicroPython that did not come to its REPL, or left it in the middle).
    """

    exit_code = 3

    def __init__(self, message: str, hint: str | None = None, *, reason: str = "stuck") -> None:
        super().__init__(message, hint)
        self.reason = reason


class BoardFailed(UserError):
    """What was run on the board raised an exception there; `error` is its last line.

    `number` is the error number of an OSError, whichever way it was put: "OSError: 28" or
    "OSError: [Errno 28] ENOSPC".
    """

    def __init__(self, message: str, hint: str | None = None, *, error: str = "") -> None:
        super().__init__(message, hint)
        self.error = error
        match = re.match(r"OSError: \(?(?:\[Errno )?(\d+)", error)
        self.number = int(match[1]) if match else None


class NoPort(UserError):
    """There is no serial port to use: none is there, or not the one that was named."""

    exit_code = 3


class SeveralPorts(UserError):
    """More than one board is attached, and nothing says which one is meant."""

    exit_code = 2


class PortDenied(UserError):
    """The serial port is there, and this user may not open it."""

    exit_code = 3


class KeysBusy(UserError):
    """Another process is changing this device's keys."""


class CannotRotate(UserError):
    """A new key cannot be made, or not by this way, or the board does not have it."""


class CannotRetire(UserError):
    """A key that has to stay, or that there is not."""


class CannotRevoke(UserError):
    """A token that cannot be revoked, or not like this."""


class WrongChip(UserError):
    """The board has another chip than the settings, or the image, are for."""


class TooOld(UserError):
    """The board's MicroPython is older than what the firmware runs on."""


class FlashFull(UserError):
    """The board's flash has no room for what is to be written."""


class UnknownKey(UserError):
    """The board has a key that this computer would take away without knowing it."""


class NotDeployed(UserError):
    """The board did not take the new version, or went back to the one before it, or is in safe mode."""


class BadImage(UserError):
    """A file that is no firmware image, or not a whole one, or not of the right kind."""


class NoFirmware(UserError):
    """The MicroPython image is not in the cache and cannot be downloaded."""


class ChecksumMismatch(UserError):
    """A downloaded or cached image is not the one that it should be."""


class NotFlashed(UserError):
    """The board could not be flashed; the message says whether anything on it was changed."""

    exit_code = 3


class FlashInterrupted(UserError):
    """Ctrl-C while the board was being flashed; the message says what that leaves."""

    exit_code = 130


class WouldErase(UserError):
    """Something on the board would be lost, and nobody has agreed to that."""
