"""A new device folder: all of it, or none of it."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from string import Template

from pinwarden import boardlib, keys, tomlfile
from pinwarden.device import (
    KEYS_FILE,
    SECRETS_FOLDER,
    SETTINGS_FILE,
    SETUP_PASSWORD,
    STATE_FOLDER,
    WIFI_FILE,
)
from pinwarden.errors import BadName, BadSecrets, DeviceExists, NoSuchDevice
from pinwarden.files import PRIVATE_FILE, PRIVATE_FOLDER, blamed, short, write_atomic

# The chips, each with a GPIO for the sample relay: an output, free on the usual boards, and not read at the
# chip's start.
RELAY_GPIO = {"esp32": 26, "esp32s2": 5, "esp32s3": 5, "esp32c3": 4, "esp32c6": 18}

# 32 characters that are told apart on paper and typed on a phone without a shift key: 5 bits each.
_READABLE = "abcdefghijkmnpqrstuvwxyz23456789"


def check_name(name: str) -> None:
    """Raise BadName, with a name that would do, unless `name` can be a host name and an audience."""
    is_name = boardlib.firmware("schema").is_name
    if is_name(name, 2, 32):
        return
    better = re.sub(r"[^a-z0-9]+", "-", name.lower()).lstrip("-0123456789")[:32].strip("-")
    suggestion = f" For example: {better}" if is_name(better, 2, 32) else ""
    raise BadName(
        f"{name!r} cannot be a device's name",
        f"Use 2 to 32 of a-z, 0-9 and -, with a letter first and no - last.{suggestion}",
    )


def create_folder(name: str, parent: Path, *, chip: str, wifi: dict | None) -> Path:
    """Create `parent`/`name` and return it. Raises BadName, DeviceExists, NoSuchDevice or BadSecrets."""
    return build_folder(name, parent, lambda folder: _fill(folder, name, chip, wifi))


def build_folder(name: str, parent: Path, fill: Callable[[Path], None]) -> Path:
    """Create `parent`/`name` by `fill(folder)`, and return it. Raises BadName, DeviceExists, NoSuchDevice.

    It is built under a hidden name and renamed when it is complete: whatever interrupts, no half of a device
    stays.
    """
    check_name(name)
    folder = parent / name
    if os.path.lexists(folder):
        raise DeviceExists(
            f"{short(folder)} exists already, and is left as it is",
            "Choose another name, or remove it first.",
        )
    if not parent.is_dir():
        raise NoSuchDevice(
            f"there is no folder {short(parent)} to create {name} in", f"Run: mkdir -p {short(parent)}"
        )
    building = parent / f".{name}.{secrets.token_hex(4)}"
    try:
        with blamed(folder):
            building.mkdir()
            fill(building)
            building.rename(folder)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    return folder


def new_setup_password() -> str:
    """A random password for setup mode's access point, such as "k7mw-3hfp-x9rt-b2vn": 80 bits.

    Whoever records one phone joining can try passwords at home, at their leisure: it has to last.
    """
    return "-".join("".join(secrets.choice(_READABLE) for _ in range(4)) for _ in range(4))


def fill_folder(folder: Path, settings: str, wifi: dict | None) -> None:
    """Put a device into an empty folder: device.toml with this text, the network, and secrets of its own."""
    write_atomic(folder / SETTINGS_FILE, settings.encode())
    write_atomic(folder / ".gitignore", f"/{SECRETS_FOLDER}/\n/{STATE_FOLDER}/\n".encode())
    private = folder / SECRETS_FOLDER
    private.mkdir(mode=PRIVATE_FOLDER)
    made = [keys.generate(keys.next_kid([], int(time.time())))]
    _refuse_bad(wifi, made)
    keys.write(private / KEYS_FILE, made)
    wifi = wifi or {"ssid": "", "password": ""}
    texts = {**wifi, SETUP_PASSWORD: new_setup_password()}
    fields = {member: tomlfile.quote(text) for member, text in texts.items()}
    write_atomic(private / WIFI_FILE, _template("wifi.toml").substitute(fields).encode(), PRIVATE_FILE)


def _fill(folder: Path, name: str, chip: str, wifi: dict | None) -> None:
    fields = {"name": name, "chip": chip, "gpio": RELAY_GPIO[chip], **_example_gpios(chip)}
    fill_folder(folder, _template("device.toml").substitute(fields), wifi)


def _example_gpios(chip: str) -> dict[str, int]:
    """A GPIO for the example of each kind, that they may all be used together."""
    good = boardlib.firmware("chips").good_gpios
    analog = next(gpio for gpio in good(chip, "analog") if gpio != RELAY_GPIO[chip])
    others = iter(gpio for gpio in good(chip) if gpio not in (RELAY_GPIO[chip], analog))
    return {"analog": analog, **{kind: next(others) for kind in ("pulse", "pwm", "servo", "rgb", "input")}}


def _refuse_bad(wifi: dict | None, made: list[dict]) -> None:
    schema = boardlib.firmware("settings")
    try:
        for text in (wifi or {}).values():
            text.encode()
        schema.check_secrets({"wifi": wifi, "keys": made})
    except UnicodeEncodeError:  # it quotes the password, so nothing of it is told
        raise BadSecrets(
            "the network's name or password is not text in this terminal's encoding", "Use UTF-8."
        ) from None
    except schema.SettingsError as error:
        raise BadSecrets("\n".join(error.problems), "Give the network as its access point has it.") from None


def _template(name: str) -> Template:
    return Template((resources.files("pinwarden") / "data" / name).read_text("utf-8"))
