"""`pinwarden check`."""

from __future__ import annotations

import click

from pinwarden import address, find
from pinwarden.console import note, plain, stdout, warn
from pinwarden.device import Device
from pinwarden.duration import spell
from pinwarden.errors import NoAuthority, UserError
from pinwarden.files import short
from pinwarden.mint import local_name
from pinwarden.params import device_argument, examples


@click.command(
    short_help="Check a device's settings and secrets.",
    epilog=examples("""
        pinwarden check
        pinwarden check door
    """),
)
@device_argument()
def check(device: str | None) -> None:
    """Check a device's settings and secrets, as the board will at its start.

    DEVICE is a folder or the name of one; it can be left out where there is only one.
    """
    loaded = find.load(device)
    secrets = _all_secrets(loaded)
    wifi = secrets["wifi"]
    for text in loaded.warnings():
        warn(text)
    if wifi is None:
        warn(f"no network yet: put its name and password into {short(loaded.wifi_file)}")
        if loaded.settings["setup_mode"]:
            warn(
                "setup mode has no time server: after a power cut the board admits nobody until it is told "
                f"the time: pinwarden clock {loaded.name} --set"
            )
    if loaded.lacks_certificate:
        _note_certificate(loaded)
    if pending := loaded.pending():
        warn(
            f"the key {pending.kid} is on its way to the board: finish it with "
            f"pinwarden keys rotate {loaded.name}"
        )
    _print_summary(loaded, secrets)


def _all_secrets(device: Device) -> dict:
    """The secrets, or one error with all that is wrong with them."""
    errors: list[UserError] = []
    has_certificate = not device.lacks_certificate
    readers = [device.keys, device.pending, device.retired, device.wifi, device.setup_password]
    for read in [*readers, device.tls] if has_certificate else readers:
        try:
            read()
        except UserError as error:
            if error.message not in [known.message for known in errors]:
                errors.append(error)
    if len(errors) > 1:
        hints = dict.fromkeys(error.hint for error in errors if error.hint)
        raise UserError("\n".join(error.message for error in errors), " ".join(hints) or None)
    if errors:
        raise errors[0]
    return device.secrets(certificate=has_certificate)


def _note_certificate(device: Device) -> None:
    """Say who makes the certificate that there is not yet."""
    from pinwarden.ca import authority  # and with it cryptography, for those only who need it

    try:
        authority.load(authority.find(device.folder))
    except NoAuthority:
        warn("there is no certificate for HTTPS yet, and no authority to sign one: pinwarden ca init")
    else:
        note(f"There is no certificate for HTTPS yet: pinwarden deploy {device.name} makes it.")


def _print_summary(device: Device, secrets: dict) -> None:
    settings, wifi, out = device.settings, secrets["wifi"], stdout()
    pins = [f"{name} ({spec['kind']}, GPIO {spec['gpio']})" for name, spec in settings["pins"].items()]
    kids = [key["kid"] for key in secrets["keys"]]
    out.print(f"{device.name}: good", style="bold green")
    place = address.join(device, local_name(device), settings["http"]["port"])
    out.print(plain(f"  board    {settings['chip']}, {address.url(device, place)}/"))
    out.print(plain(f"  pins     {', '.join(pins) or 'none'}"))
    out.print(plain(f"  keys     {', '.join(kids)} ({kids[-1]} signs)"))
    out.print(plain(f"  tokens   {spell(settings['max_ttl'])} at the most"))
    out.print(plain(f"  network  {wifi['ssid'] if wifi else 'none'}"))
    if secrets.get("tls"):
        from pinwarden.ca import leaf  # and with it cryptography, for those only who need it

        found = leaf.read(device)
        if found is not None:
            out.print(plain(f"  https    for {found.names}, until {found.ends:%Y-%m-%d}"))
    if settings["setup_mode"] and secrets["setup_password"]:
        out.print("  setup    the board opens a network of its own when it has none for 5 minutes")
