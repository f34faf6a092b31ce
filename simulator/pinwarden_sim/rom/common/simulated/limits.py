"""What the chip's PWMs and ADCs cannot do. Loaded for each that the firmware makes, and forgotten again."""

# The LEDC's channels and timers, the first and the last pad of ADC1. Pads of ADC2 are "invalid" here: on a
# chip whose Wi-Fi is on, they cannot be read.
_CHIPS = """
esp32 16 8 32 39
esp32s2 8 4 1 10
esp32s3 8 4 1 10
esp32c3 6 4 0 4
esp32c6 6 4 0 6
"""


def ledc(chip, pad, freq):
    """One more PWM. Raises as machine.PWM does."""
    if not pad.has_driver():
        raise OSError(-258, "ESP_ERR_INVALID_ARG")
    if not 0 < freq <= 40000000:
        raise ValueError("frequency must be from 1Hz to 40MHz")
    channels, timers, _, _ = _figures(chip)
    others = [other.pwm for other in chip.pads.used.values() if other is not pad and other.pwm]
    if len(others) >= channels:
        raise RuntimeError("out of PWM channels:%d" % channels)
    freqs = {pwm._freq for pwm in others}
    if len(freqs | {freq}) > timers:
        raise RuntimeError("out of PWM timers:%d" % timers)


def adc(chip, pad):
    """An ADC. Raises ValueError where there is none."""
    _, _, first, last = _figures(chip)
    if not first <= pad.gpio <= last:
        raise ValueError("invalid pin")


def _figures(chip):
    start = _CHIPS.find("\n" + chip.model + " ") + 1
    return [int(figure) for figure in _CHIPS[start : _CHIPS.find("\n", start)].split(" ")[1:]]
