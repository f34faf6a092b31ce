"""What settings allow but their owner should know. The host tells it; the board has no memory for it."""

from __future__ import annotations

from pinwarden import boardlib
from pinwarden.duration import spell

_LONG_JUMP = 30 * 86400  # seconds; beyond that, a lie is a way to outlast most tokens

# What must hold at reset for the chip to start, and so what to do about it. From each chip's datasheet,
# "Strapping Pins".
_STRAPPING = {
    "esp32": {
        0: "low at reset starts the bootloader instead of the firmware; let nothing pull it low",
        2: "high at reset keeps esptool from flashing; let nothing pull it high",
        5: "it is pulled high at reset, so an active-high relay clicks at every start; prefer another",
        12: "high at reset sets the flash to 1.8 V and the board does not start; let nothing pull it high",
        15: "it is pulled high at reset, so an active-high relay clicks at every start; prefer another",
    },
    "esp32s2": {
        0: "low at reset starts the bootloader instead of the firmware; let nothing pull it low",
        45: "high at reset sets the flash to 1.8 V and the board may not start; let nothing pull it high",
    },
    "esp32s3": {
        0: "low at reset starts the bootloader instead of the firmware; let nothing pull it low",
        3: "it chooses the JTAG port on boards whose eFuses say so; prefer another",
        45: "high at reset sets the flash to 1.8 V and the board may not start; let nothing pull it high",
        46: "high at reset keeps esptool from flashing; let nothing pull it high",
    },
    "esp32c3": {
        2: "low at reset can keep the board from starting; let nothing pull it low",
        8: "low at reset keeps esptool from flashing; let nothing pull it low",
        9: "low at reset starts the bootloader instead of the firmware; let nothing pull it low",
    },
    "esp32c6": {
        4: "it sets the timing of SDIO at reset; harmless unless the board is an SDIO device",
        5: "it sets the timing of SDIO at reset; harmless unless the board is an SDIO device",
        8: "low at reset keeps esptool from flashing; let nothing pull it low",
        9: "low at reset starts the bootloader instead of the firmware; let nothing pull it low",
        15: "it chooses the JTAG port on boards whose eFuses say so; prefer another",
    },
}

_SHARED = {
    "esp32": "modules with PSRAM (WROVER) use it for that memory; on WROOM modules it is free",
    "esp32s3": "modules with octal memory (N8R8, N16R8) use it; on others it is free",
    "esp32c3": "it feeds the flash on most modules (VDD_SPI); it is free only where an eFuse says so",
}


def warnings(settings: dict) -> list[str]:
    """A sentence for each thing to know, beginning with its field. `settings` is from check_settings."""
    found = [text for name, pin in settings["pins"].items() for text in _of_pin(settings["chip"], name, pin)]
    if not settings["pins"]:
        found.append("pins: there are none, so the board has nothing to switch; add a table [pins.NAME]")
    for i, origin in enumerate(settings["origins"]):
        scheme, _, host = origin.partition("://")
        if host.endswith({"http": ":80", "https": ":443"}[scheme]):
            found.append(
                f"origins[{i}]: browsers leave out a scheme's own port, so {origin} never matches; remove it"
            )
    return found + _of_time(settings)


def _of_time(settings: dict) -> list[str]:
    servers, jump = settings["ntp"], settings["policy"]["max_jump"]
    found = []
    if not servers:
        found.append(
            "ntp: without a time server the board admits nobody after a power cut, until its clock is set: "
            "pinwarden clock NAME --set"
        )
    elif len(set(servers)) == 1:
        found.append(
            "ntp: one server alone cannot tell the time to a board that never knew it, or that was without "
            f"power for more than policy.max_jump ({spell(jump)}) in all; add a second one"
        )
    for i, name in enumerate(servers):
        if name in servers[:i] and len(set(servers)) > 1:
            found.append(f"ntp[{i}]: {name} is there twice; it is asked twice, and counts as one")
    if servers and jump > _LONG_JUMP:
        found.append(
            f"policy.max_jump: {spell(jump)}, by which whoever forges one time server's answers can put the "
            "clock ahead; a day (86400) lets a board over most power cuts"
        )
    return found


def _of_pin(chip: str, name: str, pin: dict) -> list[str]:
    chips = boardlib.firmware("chips")
    gpio, table, field = pin["gpio"], chips.CHIPS[chip], f"pins.{name}"
    found = []
    if chips.within(gpio, table["strapping"]):
        found.append(f"{field}.gpio: {gpio} is read by the chip at reset: {_STRAPPING[chip][gpio]}")
    if chips.within(gpio, table["uart"]):
        found.append(
            f"{field}.gpio: {gpio} sends the boot messages at reset (UART0), and what it drives flickers then"
        )
    if chips.within(gpio, table["shared"]):
        found.append(f"{field}.gpio: {gpio} is not free on every module: {_SHARED[chip]}")
    if pin["kind"] == "pulse" and pin["safe"]:
        found.append(f"{field}.safe: true, so the pin rests on, and a pulse switches it off for its time")
    return found
