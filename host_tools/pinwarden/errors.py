"""What can go wrong in a way that the user can put right: one class for each cause.

Every error says what is wrong and where (`message`) and what to do about it (`hint`). The command line makes
them into text and an exit code in one place, `pinwarden.cli`; everything else raises them.
"""

from __future__ import annotations


class UserError(Exception):
    """Something that the user can put right. `message` says what and where, `hint` what to do."""

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


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
