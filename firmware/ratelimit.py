"""How much strangers may ask: a token bucket for each address and one for all of them, in a table that never
grows.

A bucket is kept as what its address owes: each request costs some milliseconds, which time pays off. Who may
ask is decided here; who is a stranger is not.
"""

from time import ticks_diff, ticks_ms

from micropython import const

_ROWS = const(16)  # addresses that are told apart
_BURST_MS = const(30000)  # what an address may owe: so much of its allowance can be asked at once
_HALF_MS = const(15000)
_ADDRESSES = const(4)  # so many may ask as much as all together may
_PRESSURE = const(4)  # _ROWS // _ADDRESSES
_KNOWN = const(4)


class Limiter:
    """Lets each address ask limits["strangers"] times a minute, half a minute's worth of it at once, and all
    together four times as much. 0: as many as come.

    While much is asked, each gets a quarter: what all together may is then enough for every row of the
    table, and somebody who comes anew finds something left. Allocates nothing that stays.
    """

    def __init__(self, limits):
        per_minute = limits.get("strangers")
        self._cost = 60000 // per_minute if per_minute else 0
        self._keys = [None] + [0] * _ROWS  # the first row is everybody's
        self._owed = [0] * (_ROWS + 1)
        self.since = ticks_ms()
        self.known = [None] * _KNOWN  # keys of addresses from which a good token came, newest last

    def know(self, key):
        """Remember an address from which a good token has come."""
        if key not in self.known:
            self.known.pop(0)
            self.known.append(key)

    def spend(self, key):
        """Count a request of the address with this key (see key_of) if it may ask now, and return 0; else
        return after how many milliseconds it may.
        """
        row = self._row(key)
        owed = self._owed
        if owed[0] > _BURST_MS:
            return owed[0] - _BURST_MS
        most = _BURST_MS
        cost = self._cost
        if owed[0] > _HALF_MS:
            most = _HALF_MS  # the rest is for those who have asked little
            cost *= _PRESSURE
        if owed[row] > most:
            return owed[row] - most
        owed[row] += cost
        owed[0] += self._cost // _ADDRESSES
        return 0

    def _row(self, key):
        """Return the row of an address, once all rows have paid off what they could."""
        keys = self._keys
        owed = self._owed
        # Ticks wrap: a silence of more than six days is a negative time. It has paid off everything.
        now = ticks_ms()
        passed = abs(ticks_diff(now, self.since))
        self.since = now
        for row in range(_ROWS + 1):
            if owed[row]:  # few do: this is on every request's way
                owed[row] = max(0, owed[row] - passed)
        if key in keys:
            return keys.index(key)
        # It takes over a row and the debt with it: to come from ever new addresses gains nothing.
        least = 1
        for row in range(2, _ROWS + 1):
            if owed[row] < owed[least]:
                least = row
        keys[least] = key
        return least


def key_of(peer):
    """Return the IPv4 address in what accept() has told of a peer, as a number of 30 bits: one of 32 would be
    an object. The two bits left out are the same for all in a local network.
    """
    key = 0
    # On MicroPython's unix port it is a sockaddr_in.
    for octet in peer[0].split(".") if type(peer) is tuple else peer[4:8]:
        key = ((key & 0x3FFFFF) << 8) | int(octet)
    return key


def address_of(peer):
    """Return the same address as text, for logs."""
    return peer[0] if type(peer) is tuple else "%d.%d.%d.%d" % tuple(peer[4:8])
