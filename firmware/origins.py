"""What other web sites can make a browser send, and what becomes of it: Host, Origin, CORS."""

from micropython import const

from .request import RequestError
from .response import Response

_SAFE_METHODS = const(("GET", "HEAD", "OPTIONS"))

_ALLOWED = const(
    b"Access-Control-Allow-Methods: GET, PUT, POST, DELETE\r\n"
    b"Access-Control-Allow-Headers: Authorization, Content-Digest, Content-Type, Signature, "
    b"Signature-Input\r\n"
    b"Access-Control-Max-Age: 600\r\n"
)


def check_host(request, hosts):
    """Refuse a request that is not for one of `hosts` (str or None, a tuple). Raises RequestError."""
    if request.host not in hosts:
        # DNS rebinding: with a name of theirs that resolves to this board, their page counts as ours.
        raise RequestError(421, "misdirected", "this board answers to " + _listed(hosts))


def check_origin(request, origins, is_secure=False):
    """Refuse a change that a page of another site asks for, unless `origins` (bytes) admit it. `is_secure`:
    it has come by HTTPS, so the board's own page did, too.
    """
    origin = request.fields.get(b"origin")
    if origin is None or request.method in _SAFE_METHODS or origin in origins:
        return
    if origin.lower() != (b"https://" if is_secure else b"http://") + request.fields[b"host"].lower():
        raise RequestError(403, "forbidden_origin", "requests from other web sites are refused")


def is_preflight(request, origins):
    """Tell whether a page of an admitted origin asks what it may send (Fetch standard, CORS)."""
    if request.method != "OPTIONS" or b"access-control-request-method" not in request.fields:
        return False
    return request.fields.get(b"origin") in origins


def preflight():
    """Return the answer that lets it."""
    return Response(204, fields=_ALLOWED)


def _listed(hosts):
    return ", ".join([host for host in hosts if host])  # the address is None while there is no Wi-Fi
