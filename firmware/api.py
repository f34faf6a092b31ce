"""The HTTP interface, version 1: routes, what each needs, and how outcomes become answers."""

import strictjson

from .access import Denied
from .pins import PinError
from .response import JSON, json_response, problem

_PREFIX = "/api/v1/"

# What came of a pin's command -> the status of the answer.
_STATUS = {"unknown_pin": 404, "bad_value": 422, "not_supported": 422, "interlocked": 409, "too_soon": 429}


class Api:
    """Answers requests. `describe_device()` returns what /device tells beside the token, `page(request)` a file or None."""

    def __init__(self, access, pins, clock, describe_device, page):
        self._access = access
        self._pins = pins
        self._clock = clock
        self._describe_device = describe_device
        self._page = page

    def handle(self, request):
        """Return the Response to `request`; see docs/openapi.yaml."""
        path = request.path
        if not path.startswith(_PREFIX):
            return self._public(request)
        parts = path[len(_PREFIX) :].split("/")
        route = _route(parts)
        if route is None:
            return _not_found(path)
        methods, answer = route
        method = "GET" if request.method == "HEAD" else request.method
        if method not in methods:
            return not_allowed(methods)
        subject = None
        try:
            grant = self._access.authorize(request)
            subject = grant.subject
            response = answer(self, request, grant, parts[1:])
        except Denied as denied:
            more = {"reason": denied.reason} if denied.reason else {}
            response = problem(denied.status, denied.code, str(denied), denied.challenge, **more)
        except PinError as error:
            response = _refused(error)
        response.subject = subject
        return response

    def _public(self, request):
        response = self._health() if request.path == "/healthz" else self._page(request)
        if response is None:
            return _not_found(request.path)
        return response if request.method in ("GET", "HEAD") else not_allowed(("GET",))

    def _health(self):
        if self._clock.now() is None:
            return json_response({"status": "clock_unset"}, 503)
        return json_response({"status": "ok"})

    def _device(self, request, grant, names):
        device = self._describe_device()
        device["token"] = {"sub": grant.subject, "scope": " ".join(grant.scopes), "exp": grant.expires}
        return json_response(device)

    def _list(self, request, grant, names):
        self._access.require_some(grant, "pins:read")
        return json_response(
            {"pins": [self._describe(grant, n) for n in self._pins.names() if grant.allows("pins:read", n)]}
        )

    def _pin(self, request, grant, names):
        name = names[0]
        if request.method != "PUT":
            self._access.require(grant, "pins:read", name)
            return json_response(self._describe(grant, name))
        return self._write(request, grant, name, "value")

    def _toggle(self, request, grant, names):
        return self._write(request, grant, names[0], None)

    def _pulse(self, request, grant, names):
        return self._write(request, grant, names[0], "ms")

    def _write(self, request, grant, name, member):
        """Carry out a command whose body has at most the one `member`."""
        # Scope first: whether a pin exists is told to those only who may know.
        self._access.require(grant, "pins:write", name)
        content_type = request.fields.get(b"content-type", b"").split(b";")[0].strip().lower()
        if content_type != JSON:
            # A form on another web site cannot send this type without asking first (CORS preflight).
            return problem(415, "unsupported_media_type", "send Content-Type: application/json")
        body = {}
        if request.body:
            try:
                body = strictjson.loads(request.body, max_depth=4)
            except strictjson.JSONError as error:
                return problem(400, "invalid_request", "the body is not JSON: " + str(error))
        if type(body) is not dict or len(body) > 1 or body and member not in body:
            takes = "takes an object with nothing but " + member if member else "takes no members"
            return problem(422, "bad_value", "the body " + takes)
        if member == "value":
            if not body:
                return problem(422, "bad_value", "value is missing")
            self._pins.set(name, body["value"])
        elif member == "ms":
            if "ms" in body and body["ms"] is None:
                return problem(422, "bad_value", "ms is a whole number")
            self._pins.pulse(name, body.get("ms"))
        else:
            self._pins.toggle(name)
        return json_response(self._describe(grant, name))

    def _describe(self, grant, name):
        told = self._pins.describe(name)
        told["writable"] = grant.allows("pins:write", name)
        return told


def _route(parts):
    """Return (methods, answer) for the segments of a path, or None."""
    count = len(parts)
    if count == 1:
        return _COLLECTIONS.get(parts[0])
    if parts[0] != "pins" or not parts[1]:
        return None
    if count == 2:
        return _PIN
    return _ACTIONS.get(parts[2]) if count == 3 else None


_COLLECTIONS = {"device": (("GET",), Api._device), "pins": (("GET",), Api._list)}
_PIN = (("GET", "PUT"), Api._pin)
_ACTIONS = {"toggle": (("POST",), Api._toggle), "pulse": (("POST",), Api._pulse)}


def _refused(error):
    """Return the answer to a command that a pin's limits refused."""
    if error.code == "too_soon":
        seconds = (error.retry_ms + 999) // 1000
        return problem(429, "too_soon", error.message, b"Retry-After: %d\r\n" % seconds, retry_ms=error.retry_ms)
    return problem(_STATUS[error.code], error.code, error.message)


def _not_found(path):
    return problem(404, "not_found", "there is nothing here")


def not_allowed(methods):
    """Return the answer to a method that the resource does not have (RFC 9110 section 15.5.6)."""
    allowed = ", ".join(methods)
    if "GET" in methods:
        allowed += ", HEAD"
    return problem(405, "method_not_allowed", "allowed here: " + allowed, b"Allow: %s\r\n" % allowed.encode())
