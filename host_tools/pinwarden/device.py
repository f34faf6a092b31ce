"""A device as the host knows it: a folder.

door/device.toml               the owner's to edit and to commit
door/secrets/keys.json         the keys that sign tokens          } 0600 in a folder of 0700,
door/secrets/wifi.toml         the network, setup mode's password } ignored by git
door/secrets/pending.json      a key on its way to the board      }
door/secrets/retired.json      the names of former keys           }
door/secrets/tls.pem           its certificate and the key of it  }
door/ca.crt                    who has signed that; both are there for a board with http.tls
door/.pinwarden/last_seen.json the address at which the board last answered
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from pinwarden import board, boardlib, keys, keystore, settings_advice, tomlfile
from pinwarden.errors import BadSecrets, BadSettings, NoSuchDevice
from pinwarden.files import PRIVATE_FILE, PRIVATE_FOLDER, refuse_exposed, short, write_atomic

SETTINGS_FILE = "device.toml"
SECRETS_FOLDER = "secrets"
KEYS_FILE = "keys.json"
PENDING_FILE = "pending.json"
RETIRED_FILE = "retired.json"
WIFI_FILE = "wifi.toml"
TLS_FILE = "tls.pem"
CA_FILE = "ca.crt"
SETUP_PASSWORD = "setup_password"  # the name of a member, there and in /secrets.json
_RETIRED_SENT = 24  # names that a deploy brings; a board has room for 32, and derives no key once it is full
STATE_FOLDER = ".pinwarden"
LAST_SEEN_FILE = "last_seen.json"


class Device:
    """One device folder: `settings` is device.toml with all defaults; secrets are read when asked for."""

    def __init__(self, folder: Path, settings: dict) -> None:
        self.folder = folder
        self.settings = settings

    @classmethod
    def load(cls, folder: Path) -> Device:
        """Read and check device.toml. Raises NoSuchDevice, BadToml or BadSettings."""
        file = folder / SETTINGS_FILE
        if not folder.is_dir():
            raise NoSuchDevice(
                f"there is no folder {short(folder)}", "Create a device with: pinwarden init NAME"
            )
        if not file.exists():
            raise NoSuchDevice(
                f"{short(folder)} is no device folder: it has no {SETTINGS_FILE}",
                "Create a device with: pinwarden init NAME",
            )
        data, text = tomlfile.read(file)
        schema = boardlib.firmware("settings")
        try:
            settings = schema.check_settings(data)
            if settings["language"] not in (known := board.languages()):  # which the board does not know
                problem = f'language: holds "{settings["language"]}"; may hold {", ".join(known)}'
                raise schema.SettingsError([problem])
            return cls(folder, settings)
        except schema.SettingsError as error:
            problems = [tomlfile.place(file, text, problem) for problem in error.problems]
            raise BadSettings(
                "\n".join(problems), f"Edit {short(file)}; every setting is described in it."
            ) from None

    @property
    def name(self) -> str:
        """The device's name, which is also the audience of its tokens."""
        return self.settings["name"]

    @property
    def keys_file(self) -> Path:
        """Where the keys are."""
        return self.folder / SECRETS_FOLDER / KEYS_FILE

    @property
    def wifi_file(self) -> Path:
        """Where the network's name and password are, and the password of setup mode."""
        return self.folder / SECRETS_FOLDER / WIFI_FILE

    @property
    def pending_file(self) -> Path:
        """Where a key is that is on its way to the board."""
        return self.folder / SECRETS_FOLDER / PENDING_FILE

    @property
    def retired_file(self) -> Path:
        """Where the names of former keys are."""
        return self.folder / SECRETS_FOLDER / RETIRED_FILE

    @property
    def tls_file(self) -> Path:
        """Where the board's certificate is, and its key."""
        return self.folder / SECRETS_FOLDER / TLS_FILE

    @property
    def state_folder(self) -> Path:
        """Where the tools keep what they can find again."""
        return self.folder / STATE_FOLDER

    def keys(self) -> list[dict]:
        """The keys, oldest first, checked as the board checks them.

        Raises BadSecrets, WeakKey, ExposedSecret, UnreadableFile.
        """
        found = self._checked({"wifi": None, "keys": self._read_keys()})["keys"]
        for key in found:
            keys.board_key(key, short(self.keys_file))
        return found

    def kids(self) -> list[str]:
        """The names of the keys, oldest first. Raises what `keys` raises."""
        return [key["kid"] for key in self.keys()]

    def pending(self) -> keystore.Pending | None:
        """The key that an interrupted rotation left on its way to the board, or None.

        The board may have it or not; no token was ever signed with it. Raises what `keys` raises.
        """
        self._refuse_exposed_folder()
        return keystore.read_pending(self.pending_file)

    def retired(self) -> list[str]:
        """The names of the keys that were retired: a board that has one of them still is to lose it.

        Raises BadSecrets, ExposedSecret, UnreadableFile.
        """
        self._refuse_exposed_folder()
        return keystore.read_retired(self.retired_file)

    def wifi(self) -> dict | None:
        """{"ssid", "password"}, or None while wifi.toml names no network."""
        data = self._read_wifi()
        data.pop(SETUP_PASSWORD, None)
        return data if data.get("ssid") or set(data) - {"ssid", "password"} else None

    def setup_password(self) -> str | None:
        """The password of setup mode's access point, or None while wifi.toml has none.

        Raises BadSecrets when device.toml allows setup mode and there is none: nobody gets an open network.
        """
        password = self._read_wifi().get(SETUP_PASSWORD) or None
        if password is None and self.settings["setup_mode"]:
            raise BadSecrets(
                f"{short(self.folder / SETTINGS_FILE)} allows setup mode, "
                f"but {short(self.wifi_file)} has no {SETUP_PASSWORD}",
                f'Add the line {SETUP_PASSWORD} = "…" there, with 8 to 63 characters that nobody guesses, '
                "or set setup_mode = false.",
            )
        return password

    @property
    def lacks_certificate(self) -> bool:
        """Whether the board is to speak HTTPS, and there is no certificate yet: a deployment makes it."""
        return self.settings["http"]["tls"] and not self.tls_file.exists()

    def tls(self) -> dict | None:
        """{"cert", "key"} (DER in base64) of a device that speaks HTTPS, else None.

        Raises BadSecrets, BadCertificate, ExposedSecret, UnreadableFile.
        """
        if not self.settings["http"]["tls"]:
            return None
        from pinwarden.ca import leaf  # and with it cryptography, for those only who need it

        self._refuse_exposed_folder()
        found = leaf.read(self)
        if found is None:
            raise BadSecrets(
                f"{short(self.folder / SETTINGS_FILE)} has tls = true, and there is no certificate yet",
                f"Make one with: pinwarden ca issue {self.name}",
            )
        return found.for_board()

    def secrets(self, *, certificate: bool = True) -> dict:
        """The content of the board's /secrets.json, checked; without `certificate`, all but that.

        Raises what `keys`, `wifi`, `setup_password` and `tls` raise.
        """
        found = {"wifi": self.wifi(), "keys": self.keys(), SETUP_PASSWORD: self.setup_password()}
        if retired := self.retired()[-_RETIRED_SENT:]:
            found["retired"] = retired
        tls = self.tls() if certificate else None
        return self._checked(found if tls is None else {**found, "tls": tls})

    def warnings(self) -> list[str]:
        """What the settings allow but the owner should know, such as a pin that the chip reads at reset."""
        return settings_advice.warnings(self.settings)

    def last_seen(self) -> dict | None:
        """{"address", "port", "seen" (Unix seconds)} of the board's last answer; None before the first."""
        try:
            seen = json.loads((self.state_folder / LAST_SEEN_FILE).read_bytes())
            kept = {"address": seen["address"], "port": seen["port"], "seen": seen["seen"]}
        except (OSError, ValueError, KeyError, TypeError):
            return None  # machine-made and easily found again: a broken note is no note
        return kept if isinstance(kept["address"], str) and type(kept["port"]) is int else None

    def remember(self, address: str, port: int) -> None:
        """Note where the board answers. Raises OSError when the folder cannot be written."""
        folder = self.state_folder
        folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        seen = {"address": address, "port": port, "seen": int(time.time())}
        write_atomic(folder / LAST_SEEN_FILE, (json.dumps(seen) + "\n").encode(), PRIVATE_FILE)

    def _read_wifi(self) -> dict:
        self._refuse_exposed_folder()
        return tomlfile.read(self.wifi_file, private=True)[0]

    def _read_keys(self) -> list[dict]:
        self._refuse_exposed_folder()
        return keys.read(self.keys_file)

    def _refuse_exposed_folder(self) -> None:
        folder = self.folder / SECRETS_FOLDER
        if not folder.is_dir():
            raise BadSecrets(
                f"{short(folder)} is missing: without its keys there are no tokens for {self.name}",
                "Put it back from a backup (it is not in git), or create the device anew.",
            )
        refuse_exposed(folder)

    def _checked(self, secrets: dict) -> dict:
        schema = boardlib.firmware("settings")
        try:
            return schema.check_secrets(secrets)
        except schema.SettingsError as error:
            problems = [f"{short(self._file_of(problem))}: {problem}" for problem in error.problems]
            # A network is typed anew; a key is not.
            of_wifi = self._file_of(error.problems[0]) == self.wifi_file
            hint = f"Edit {short(self.wifi_file)}." if of_wifi else "Put the file back from a backup."
            raise BadSecrets("\n".join(problems), hint) from None

    def _file_of(self, problem: str) -> Path:
        return self.wifi_file if problem.startswith(("wifi", SETUP_PASSWORD)) else self.keys_file


def create(name: str, parent: Path, *, chip: str = "esp32", wifi: dict | None = None) -> Device:
    """Create the folder `parent`/`name` with a sample device.toml and a new key, whole or not at all.

    Raises BadName, DeviceExists, NoSuchDevice, or BadSecrets for a network that cannot be.
    """
    from pinwarden.create import create_folder  # that module needs this one

    return Device.load(create_folder(name, parent, chip=chip, wifi=wifi))
