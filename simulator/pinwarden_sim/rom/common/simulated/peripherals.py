"""What `machine` has for other than plain pins: PWM, ADC, and the bits that a light strip takes."""

import utime

from . import silicon

_ALL = 65536  # the duty of a PWM that is always high

# The LEDC's channels and timers, the first and the last pad of ADC1. Pads of ADC2 are "invalid" here: on a
# chip whose Wi-Fi is on, they cannot be read.
_CHIPS = """
esp32 16 8 32 39
esp32s2 8 4 1 10
esp32s3 8 4 1 10
esp32c3 6 4 0 4
esp32c6 6 4 0 6
"""


class PWM:
    """`PWM(pin, freq=…, duty_u16=…)`. It takes the pad; so does, later, a Pin that is made an output or an
    input again, and the PWM drives nothing any more.
    """

    def __init__(self, pin, freq=5000, *, duty_u16=_ALL // 2):
        self._pin = pin
        _find_channel(pin, freq)
        self._duty = None
        self._freq = freq
        self._pin.pwm = self
        self.duty_u16(duty_u16)

    def duty_u16(self, duty=None):
        """The part of the period that it is high, 65535 being all of it."""
        if duty is None:
            return min(self._duty, _ALL - 1)
        if not 0 <= duty < _ALL:
            raise ValueError("duty_u16 must be from 0 to 65535")
        self._put(_ALL if duty == _ALL - 1 else duty)

    def duty_ns(self, ns):
        """The nanoseconds of each period that it is high."""
        duty = (ns * _ALL * self._freq + 500000000) // 1000000000
        if not 0 <= duty <= _ALL:
            raise ValueError("duty_ns")
        self._put(duty)

    def deinit(self):
        """Gives its channel up. From 1.26 on the pad is low then, up to 1.25 nobody drives it, and so here:
        the firmware has to say which level it wants.
        """
        self._freq = 0
        if self._pin.pwm is self:
            self._pin.init(1)

    def _put(self, duty):
        if not self._freq:
            raise RuntimeError("PWM is inactive")
        if duty != self._duty:
            self._duty = duty
            if self._pin.pwm is self:
                _tell(self._pin, {"e": "pwm", "freq": self._freq, "duty": duty})


class ADC:
    ATTN_11DB = 3

    def __init__(self, pin, *, atten=3):
        self._pin = pin
        _, _, first, last = _figures()
        if not first <= pin.gpio <= last:
            raise ValueError("invalid pin")

    def read_uv(self):
        """Microvolts, calibrated: of whole millivolts, as on the board."""
        return self._pin.millivolts * 1000


def bitstream(pin, encoding, timing, buf):
    """What NeoPixel.write() calls. The host gets the octets as they go over the wire."""
    # Most strips have one colour, and 300 lights in hexadecimal would take a good part of the memory.
    for size in (3, 4, len(buf)):
        octets, times = bytes(buf[:size]), len(buf) // (size or 1)
        if octets * times == buf:
            break
    _tell(pin, {"e": "bits", "octets": octets.hex(), "times": times})


def _tell(pin, event):
    event["gpio"] = pin.gpio
    event["t"] = utime.time()
    silicon.chip().link.send(event)


def _find_channel(pin, freq):
    """For one more PWM. Raises as machine.PWM does."""
    if not pin.has_driver():
        raise OSError(-258, "ESP_ERR_INVALID_ARG")
    if not 0 < freq <= 40000000:
        raise ValueError("frequency must be from 1Hz to 40MHz")
    channels, timers, _, _ = _figures()
    others = [other.pwm for other in silicon.chip().pads.values() if other is not pin and other.pwm]
    if len(others) >= channels:
        raise RuntimeError("out of PWM channels:%d" % channels)
    freqs = {pwm._freq for pwm in others}
    if len(freqs | {freq}) > timers:
        raise RuntimeError("out of PWM timers:%d" % timers)


def _figures():
    start = _CHIPS.find("\n" + silicon.chip().model + " ") + 1
    return [int(figure) for figure in _CHIPS[start : _CHIPS.find("\n", start)].split(" ")[1:]]
