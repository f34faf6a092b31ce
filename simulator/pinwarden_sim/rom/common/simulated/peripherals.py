"""What `machine` has for other than plain pins: PWM, ADC, and the bits that a light strip takes. Loaded when
somebody asks for one.
"""

import sys

import utime

from . import silicon

_ALL = 65536  # the duty of a PWM that is always high


class PWM:
    """`PWM(pin, freq=…, duty_u16=…)`. It takes the pad; so does, later, a Pin that is made an output or an
    input again, and the PWM drives nothing any more.
    """

    def __init__(self, pin, freq=5000, *, duty_u16=_ALL // 2):
        self._pin = pin
        _check("ledc", self._pin, freq)
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
        _check("adc", self._pin)

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
    pin.pads.link.send(event)


def _check(what, *args):
    """Whether the chip can do it. What knows that is needed no longer than this."""
    import simulated.limits

    try:
        getattr(simulated.limits, what)(silicon.chip(), *args)
    finally:
        del sys.modules["simulated.limits"], simulated.limits
