"""What the world outside does to the chip. Loaded when it does anything, and forgotten again."""


def obey(chip, command):
    """Carry out what the host asks. Returns the answer, a dict."""
    do = command["do"]
    if do in ("clock", "unset", "jump"):
        from . import clock_set

        if do == "unset":
            clock_set.unset()
        else:
            clock_set.move(command.get("unix"), command.get("seconds", 0))
    elif do == "ntp":
        chip.ntp = command["ntp"]
    elif do == "wifi":
        chip.access_point = command["up"]
        if chip.station is not None and not chip.access_point:
            chip.station.beacon_lost()
    elif do == "drive":
        _drive(chip.pads.find(command["gpio"]), command["level"])
    elif do == "analog":
        chip.pads.find(command["gpio"]).millivolts = command["mv"]
    elif do == "flash":
        chip.flash.set(command["flash"])
    else:
        return {"error": "unknown command: %s" % do}
    return {}


def _drive(pad, level):
    """The world drives the pad (a button), or lets go of it (None), and the handler hears of it."""
    before = pad.level()
    pad.external = level
    pad.tell()
    after = pad.level()
    if (
        pad.handler is not None
        and before != after
        and pad.trigger & (pad.IRQ_RISING if after else pad.IRQ_FALLING)
    ):
        pad.handler(pad)
