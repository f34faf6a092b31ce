"""The application's server, guard and pins as app.py connects them, with all rules and limits on. Arguments:
port, secret.
"""

import asyncio
import gc
import sys
import time

import jwt
import jwtproof
from firmware.access import Access
from firmware.api import Api
from firmware.clock import Clock
from firmware.http import Server
from firmware.pins import Pins
from firmware.proof import Proofs
from firmware.revoked import Revoked

port, secret = int(sys.argv[1]), sys.argv[2].encode()


def settle():
    """Return checked settings; what checks them is unloaded, as app.py does it."""
    from firmware.settings import check_settings

    pins = {"relay": {"kind": "switch", "gpio": 26}}
    # Strangers are counted, but no forged token of the bench is one too many.
    asked = {"version": 1, "name": "door", "chip": "esp32", "pins": pins, "http": {"strangers": 6000}}
    checked = check_settings(asked)
    for name in ("settings", "pin_settings", "schema", "chips"):
        del sys.modules["firmware." + name]
        delattr(sys.modules["firmware"], name)
    return checked


settings = settle()


class machine:
    class Pin:
        OUT = 3

        def __init__(self, gpio, mode, value):
            self.level = value

        def value(self, level):
            self.level = level


clock = Clock(None, time=time)
verifier = jwtproof.Verifier([jwt.Key(secret)], audience="door")
access = Access(verifier, clock, "door", Revoked(clock.now), Proofs(bytes))  # its challenges are zeros
api = Api(access, Pins(settings["pins"], machine), clock, dict, lambda request: None, None)


def handle(request):
    if request.path == "/quit":
        raise SystemExit
    return api.handle(request)


gc.collect()
gc.threshold(gc.mem_free() * 2 // 3)  # as app.py does
asyncio.run(Server(handle, settings["http"], lambda: ("127.0.0.1",)).serve("127.0.0.1", port))
