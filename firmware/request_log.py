"""The request log on the serial port: `"log": "requests"` of the settings."""

import time


class RequestLog:
    """One line a request on the serial port: time (UTC), method, path, status, subject, duration, problem."""

    def __init__(self, clock):
        self._clock = clock
        self._ms = 0

    def timed(self, handle):
        """Return `handle` with a stop-watch."""

        def measure(request):
            started = time.ticks_ms()
            try:
                return handle(request)
            finally:
                self._ms = time.ticks_diff(time.ticks_ms(), started)

        return measure

    def write(self, request, response):
        """Log one request; None where its head could not be read."""
        now = self._clock.now()
        at = "--:--:--" if now is None else "%02d:%02d:%02d" % (now // 3600 % 24, now // 60 % 60, now % 60)
        what = request.method + " " + request.path[:64] if request else "-"
        subject = _one_word(response.subject) if response.subject else "-"
        # One string: print() writes each of its arguments by itself.
        line = "%s %s %d %s %dms" % (at, what, response.status, subject, self._ms)
        print(line + " " + response.code if response.code else line)


def _one_word(text):
    # It comes from a token that somebody signed; a line break or an escape sequence in it must not forge a
    # line.
    return "".join(c if 33 <= ord(c) < 127 else "_" for c in text[:32])
