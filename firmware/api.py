"""The HTTP interface, version 1: routes, what each needs, and how outcomes become answers. Those of keys and
revocations are in admin.py.
"""

import gc
import json

import strictjson
from micropython import const

from .access import LATER, Denied
from .pin import PinError
from .response import JSON, Response, json_response, problem

_PREFIX = const("/api/v1/")
_CHALLENGE = const("/api/v1/challenge")
_TIME = const(64)  # octets of a body that tells the time
_ROOM = const(1024)  # octets in one piece

# What came of a pin's command -> the status of the answer.
_STATUS = {"unknown_pin": 404, "bad_value": 422, "not_supported": 422, "interlocked": 409, "too_soon": 429}


class Api:
    """Answers requests. `describe_device()` returns what /device tells beside the token, `page(request)` a
    file or None, `administer(request, grant, parts)` what an administrator asks for, see admin.py. `warnings`
    are what /healthz tells beside: names of files that were damaged and set aside. `events` is an
    events.Events, or None where there are no streams.
    """

    def __init__(self, access, pins, clock, describe_device, page, administer, warnings=(), events=None):
        self._access = access
        self._pins = pins
        self._clock = clock
        self._describe_device = describe_device
        self._page = page
        self._administer = administer
        self.warnings = warnings
        self._events = events

    def handle(self, request):
        """Return the Response to `request`; see docs/openapi.yaml."""
        # A flood of requests must not stretch a pulse: enforce() gets its turn among all connections, three
        # turns until it acts. A command ticks once more, as verifying its token takes its time.
        self._pins.tick()
        path = request.path
        if not path.startswith(_PREFIX) or path == _CHALLENGE:
            return self._public(request)
        parts = path[len(_PREFIX) :].split("/")
        route = _route(parts)
        if route is None:
            return _not_found()
        if ("GET" if request.method == "HEAD" else request.method) not in route[0]:
            return not_allowed(route[0])
        return self._guarded(request, route[1], parts)

    def _guarded(self, request, answer, parts):
        """Return what `answer` makes of the request, or why it is refused."""
        grant = at = None
        stranger = True
        try:
            # The clock may be unset: it is judged by the time that it is told.
            at = _told_time(request) if parts[0] == "clock" else None
            grant = self._access.authorize(request, at)
            request.is_proven = True
            try:
                response = answer(self, request, grant, parts)
            except MemoryError:
                if request.is_begun:
                    raise
                response = self._again(answer, request, grant, parts)
        except (Denied, PinError) as error:
            response = _refused(error)
            response.reason = getattr(error, "reason", None)
            stranger = getattr(error, "stranger", True)
        if grant is not None:
            response.subject = grant.subject
            response.token_id = grant.token_id
            # Who tells the time chooses that by which the token was found good: a good one sets the clock.
            stranger = at is not None and response.status >= 400
        response.stranger = stranger
        return response

    def _again(self, answer, request, grant, parts):
        """Return what `answer` makes of the request, with what is only remembered forgotten: memory was
        short, and of that there may be enough, in pieces in between.
        """
        self._access.forget()
        gc.collect()
        return answer(self, request, grant, parts)

    def _public(self, request):
        if request.path == _CHALLENGE:
            response = json_response(self._access.challenge())
        elif request.path == "/healthz":
            response = self._health()
        else:
            response = self._page(request)
        if response is None:
            return _not_found()
        return response if request.method in ("GET", "HEAD") else not_allowed(("GET",))

    def _health(self):
        is_set = self._clock.now() is not None
        told = {"status": "ok"}
        if not is_set:
            problem = self._clock.problem or "the board has not been told the time yet"
            told = {"status": "clock_unset", "detail": problem}
        if self.warnings:
            told["warnings"] = sorted(self.warnings)  # pyright: ignore[reportArgumentType]
        return json_response(told, 200 if is_set else 503)

    def _device(self, request, grant, parts):
        device = self._describe_device()
        device["token"] = {"sub": grant.subject, "scope": " ".join(grant.scopes), "exp": grant.expires}
        return json_response(device)

    def _list(self, request, grant, parts):
        self._access.require_some(grant, "pins:read")
        # One after the other: all of them as objects would take several times the memory of the text.
        told = [b'{"pins": [']
        for name in self._pins.names():
            if grant.allows("pins:read", name):
                if len(told) > 1:
                    told.append(b", ")
                told.append(json.dumps(self._describe(grant, name)).encode())
        told.append(b"]}")
        return Response(200, b"".join(told))

    def _stream(self, request, grant, parts):
        self._access.require_some(grant, "pins:read")
        response = self._events.answer(grant, self._describe) if self._events else None
        if response is None:
            raise Denied(503, "too_many_streams", "too many streams; ask for the pins instead", LATER)
        return response

    def _pin(self, request, grant, parts):
        name = parts[1]
        if request.method == "PUT":
            body = self._command(request, grant, name, ("value", "fade_ms"))
            if "value" not in body:
                raise PinError("bad_value", "value is missing")
            self._pins.set(name, body["value"], body.get("fade_ms", 0))
            return self._done("set", grant, name)
        self._access.require(grant, "pins:read", name)
        return json_response(self._describe(grant, name))

    def _toggle(self, request, grant, parts):
        self._command(request, grant, parts[1], ())
        self._pins.toggle(parts[1])
        return self._done("toggle", grant, parts[1])

    def _pulse(self, request, grant, parts):
        body = self._command(request, grant, parts[1], ("ms",))
        if "ms" in body and body["ms"] is None:
            raise PinError("bad_value", "ms is a whole number")
        self._pins.pulse(parts[1], body.get("ms"))
        return self._done("pulse", grant, parts[1], body)

    def _done(self, what, grant, name, pulse=None):
        """Return the answer to a command that was carried out; `pulse` is the body of one."""
        told = self._describe(grant, name)
        response = json_response(told)
        # As the pin tells it, not as it was asked for: a colour, an angle, a share has one spelling.
        value = told["value"] if pulse is None else pulse.get("ms")
        response.action = (what, name, value)  # pyright: ignore[reportAttributeAccessIssue]
        return response

    def _command(self, request, grant, name, members):
        """Return the body of a command, a dict with these members at most. Raises Denied, PinError."""
        # Scope first: whether a pin exists is told to those only who may know.
        self._access.require(grant, "pins:write", name)
        body = members_of(request)
        for member in body:
            if member not in members:
                raise PinError("bad_value", "the body takes nothing but " + (", ".join(members) or "{}"))
        # Now, not when the pin has moved, is the time to run out of memory: what the answer takes is less.
        bytearray(_ROOM)
        request.is_begun = True
        return body

    def _administration(self, request, grant, parts):
        self._access.require(grant, "audit:read" if parts[0] == "audit" else "admin")
        return self._administer(request, grant, parts)

    def _describe(self, grant, name):
        told = self._pins.describe(name)
        told["writable"] = told.get("writable", True) and grant.allows("pins:write", name)
        return told


def _route(parts):
    """Return (methods, answer) for the segments of a path, or None."""
    count = len(parts)
    if count == 1:
        return _COLLECTIONS.get(parts[0])
    if not parts[1]:
        return None
    if parts[0] == "keys" and count == 2:
        return _KEY
    if parts[0] != "pins":
        return None
    if count == 2:
        return _PIN
    return _ACTIONS.get(parts[2]) if count == 3 else None


_COLLECTIONS = {
    "device": (("GET",), Api._device),
    "pins": (("GET",), Api._list),
    "events": (("GET",), Api._stream),
    "keys": (("GET", "POST"), Api._administration),
    "revocations": (("GET", "POST"), Api._administration),
    "clock": (("PUT",), Api._administration),
    "audit": (("GET",), Api._administration),
    "tokens": (("POST",), Api._administration),
}
_KEY = (("DELETE",), Api._administration)
_PIN = (("GET", "PUT"), Api._pin)
_ACTIONS = {"toggle": (("POST",), Api._toggle), "pulse": (("POST",), Api._pulse)}


def members_of(request):
    """Return the object in the body of a request, {} if there is no body. Raises Denied."""
    if request.fields.get(b"content-type") != JSON:
        _check_type(request.fields.get(b"content-type", b""))
    return _parsed(request.body) if request.body else {}


def _told_time(request):
    """Return the Unix time in the body of PUT /clock. Raises Denied."""
    # Nobody knows yet who asks: there is no more to be parsed than a time takes.
    body = members_of(request) if len(request.body) <= _TIME else {}
    unix = body.get("now")
    if len(body) != 1 or type(unix) is not int:
        raise Denied(422, "bad_value", "the body takes now, whole Unix seconds, and nothing else")
    return unix


def _check_type(value):
    # A form on another web site cannot send this type without asking first (CORS preflight).
    if value.split(b";")[0].strip().lower() != JSON:
        raise Denied(415, "unsupported_media_type", "send Content-Type: application/json")


def _parsed(body):
    try:
        value = strictjson.loads(body)
    except strictjson.JSONError as error:
        raise Denied(400, "invalid_request", "the body is not JSON: " + str(error)) from None
    if type(value) is not dict:
        raise Denied(422, "bad_value", "the body is not an object")
    return value


def _refused(error):
    """Return the answer to a request that the guard or a pin's limits refused."""
    if isinstance(error, Denied):
        more = {"reason": error.reason} if error.reason else error.more
        return problem(error.status, error.code, str(error), error.challenge, **more)
    fields = b""
    if "retry_ms" in error.more:
        fields = b"Retry-After: %d\r\n" % ((error.more["retry_ms"] + 999) // 1000)
    return problem(_STATUS[error.code], error.code, error.message, fields, **error.more)


def _not_found():
    return problem(404, "not_found", "there is nothing here")


def not_allowed(methods):
    """Return the answer to a method that the resource does not have (RFC 9110 section 15.5.6)."""
    allowed = ", ".join(methods)
    if "GET" in methods:
        allowed += ", HEAD"
    return problem(405, "method_not_allowed", "allowed here: " + allowed, b"Allow: %s\r\n" % allowed.encode())
