"""What an administrator asks for over HTTP: keys and revocations. A change holds for the very next request.

Loaded for each such request, and unloaded again: see app.py. For the same reason each half loads what it
needs by itself: there need not be room for both.
"""

from . import storage
from .access import Denied
from .api import members_of
from .response import Response, json_response

# What came of a change -> the status of the answer.
_STATUS = {
    "bad_value": 422,
    "unknown_key": 404,
    "key_exists": 409,
    "key_in_use": 409,
    "key_retired": 409,
    "last_key": 409,
    "too_many_keys": 409,
    "too_many_revocations": 409,
}


class Admin:
    """Answers for Api, which lets nobody else in. `settings` are the checked ones, and `revoked` is what
    `access` asks; `paths` are those of the secrets and of the revocations.
    """

    def __init__(self, access, settings, revoked, paths=("/secrets.json", "/state/revocations.json")):
        self._access = access
        self._settings = settings
        self._revoked = revoked
        self._secrets, self._revocations = paths

    def answer(self, request, parts):
        """Return the Response to a request for the path of the segments `parts`. Raises Denied."""
        try:
            return self._keys(request, parts) if parts[0] == "keys" else self._revoke(request)
        except ValueError as error:  # KeyringError and RevocationError have a code
            code = getattr(error, "code", None)
            if code not in _STATUS:
                raise
            raise Denied(_STATUS[code], code, str(error)) from None
        except OSError as error:
            if not storage.is_full(error):
                raise
        raise Denied(507, "insufficient_storage", "the board's flash is full; nothing was changed")

    def _keys(self, request, parts):
        from .admin_keys import AdminKeys

        keys = AdminKeys(self._access, self._settings, self._secrets)
        if request.method == "DELETE":
            keys.retire(parts[1], request)
            return _done(Response(204), "key retired", parts[1])
        if request.method != "POST":
            return json_response({"keys": keys.describe()})
        key, is_new = keys.add(_members(request, ("kid", "from", "salt")))
        response = json_response(key, 201 if is_new else 200)
        return _done(response, "key added", key["kid"]) if is_new else response

    def _revoke(self, request):
        from .revocation import Revocations

        revocations = Revocations(self._revocations, revoked=self._revoked)
        if request.method != "POST":
            pieces = revocations.to_json()
            length = sum([len(piece) for piece in pieces])
            return Response(200, pieces, length=length)  # pyright: ignore[reportArgumentType]
        what = _members(request, ("jti", "sub", "before", "until"))
        response = json_response(revocations.revoke(**what), 201)
        whose = [name + " " + what[name] for name in ("jti", "sub") if name in what]
        return _done(response, "revoked", whose[0] if whose else "all")


def _done(response, what, value):
    """Return the answer to a change that was made; the audit is to have it."""
    response.action = (what, None, value)
    return response


def _members(request, known):
    """Return the body, an object whose members are all `known` and none of which is null. Raises Denied."""
    body = members_of(request)
    for name in body:
        if name not in known or body[name] is None:
            raise Denied(422, "bad_value", "the body takes " + ", ".join(known) + ", and no null")
    return body
