"""The keys of a running board: a change of the file and of what verifies tokens, both or neither."""

import base64url

from . import keyring, unload
from .keyring import KeyringError


class AdminKeys:
    """Changes the keys that `access` verifies by, of which the secrets in the file `path` are the record.

    Each method raises KeyringError when it is refused, ValueError if the file cannot be used, OSError if it
    cannot be written; nothing has changed then.
    """

    def __init__(self, access, settings, path):
        self._access = access
        self._settings = settings
        self._path = path

    def describe(self):
        """Return [{"kid", "alg"}], the newest key last."""
        return keyring.describe(self._path)

    def add(self, body):
        """Derive the key that `body` asks for: {"kid", "from", "salt"}. Return ({"kid", "alg"}, whether it
        is new).
        """
        source = body.get("from")
        if type(source) is not str:
            raise KeyringError("bad_value", "from: the kid of a key of the board")
        try:
            salt = base64url.decode(body["salt"].encode())
        except (ValueError, KeyError, AttributeError):
            raise KeyringError("bad_value", "salt: 32 random bytes in base64url, without padding") from None
        secrets = keyring.load(self._path)
        try:
            from .newkey import derive

            jwk = derive(secrets, source, salt, self._settings["name"], body.get("kid"))
            jwks = keyring.with_key(secrets["keys"], jwk)
        finally:
            derive = None
            unload("newkey", "verifier", "hkdf", "jwtrules")  # there is not room for all of it at once
        if jwks is not None:
            self._replace(secrets, jwks)
        return {"kid": jwk["kid"], "alg": jwk["alg"]}, jwks is not None

    def retire(self, kid, request):
        """Remove the key called `kid`, unless it has signed the token of this `request`, which was let in."""
        secrets = keyring.load(self._path)
        jwks = keyring.without_key(secrets["keys"], kid)
        from .verifier import signed_by

        if kid == signed_by(self._access.verifier, request)[0].kid:
            # Or the answer would be the last that its sender gets; so another key is known to work.
            raise KeyringError("key_in_use", "it signed the token of this request; use one of another key")
        self._replace(secrets, jwks)

    def _replace(self, secrets, jwks):
        # The verifier is made before the file changes: afterwards, memory could not do for it, and a retired
        # key would stay good until the next start.
        from .verifier import make_verifier

        verifier = make_verifier(self._settings, jwks)
        make_verifier = None
        unload("newkey", "verifier", "jwtrules")
        keyring.store(secrets, jwks, self._path)
        self._access.use(verifier)
