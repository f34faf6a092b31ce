"""Signed requests: a token that is used without being shown. docs/signed-requests.md defines the wire.

Whoever listens on plain HTTP can record a bearer token and use it. Of a signed request's token only header
and payload cross the air. Its signature is a secret that its holder has and the board recomputes: 32 octets,
the key of an HTTP Message Signature (RFC 9421, hmac-sha256) over the request.

A recording is worth nothing: each signature is good once, under a challenge that this board has made since it
was started. What was used is remembered in a ring of fixed size; when its end is reached there is a new
challenge. So all that was used under the current one is in the ring, and the last of those before are: what
was carried out and comes again, by a browser that has lost the answer, is told so, and not to sign again.
"""

import hmac
from binascii import b2a_base64
from hashlib import sha256

import base64url
from micropython import const

_SCHEME = const(b"pinwarden ")
_INPUT = const(b'pw=("@method" "@authority" "@path" "@query" "authorization" "content-digest");created=')
_NONCE = const(b';keyid="token";alg="hmac-sha256";nonce="')
_END = const(b'";tag="pinwarden"')
_CHALLENGE = const(16)  # characters; RFC 4648 section 5
_DIGEST = const(b"sha-256=:")

WINDOW = 300  # seconds that `created` may be from the board's time
USES = 128  # signatures that one challenge is good for
# Octets of a signature that are remembered. They are looked for at any place of the ring, of which there are
# 509: so a signature that is new looks used in one case of 2**23, at the most.
_KEPT = const(4)


class ProofError(Exception):
    """The request's signature is refused. `.code` is one of: invalid_request signature stale_nonce replayed
    created_out_of_window.
    """

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Proof:
    """What a signed request says of itself. `.token` is the token's header and payload (bytes), `.created`
    Unix seconds; `.params`, `.nonce` and `.signature` are as they are written. `.kept` is what will be
    remembered of it, once Proofs.check() has found it good.
    """

    kept = None

    def __init__(self, token, params, created, nonce, signature):
        self.token = token
        self.created = created
        self.params = params
        self.nonce = nonce
        self.signature = signature


class Proofs:
    """Judges signed requests: the challenge, and what was used under it.

    `random(n)` gives n random octets.
    """

    def __init__(self, random):
        self._random = random
        self._used = bytearray(USES * _KEPT)
        self._at = 0
        self._challenge = None

    def challenge(self):
        """Return the current challenge, bytes."""
        if self._challenge is None:
            # Not before it is asked for: the chip's random numbers are good only once the radio is on.
            text = b2a_base64(self._random(_CHALLENGE * 3 // 4))[:-1]
            self._challenge = text.replace(b"+", b"-").replace(b"/", b"_")
        return self._challenge

    def renew(self):
        """Have another challenge from now on: what was signed and not taken is good no longer."""
        self._challenge = None

    def check(self, request, proof, key):
        """Check that `request` was signed by who holds `key`, here and for the first time. Raises ProofError.

        It may be checked again: nothing is remembered before use() is called, for whoever is admitted.
        """
        challenge = self.challenge()
        mac = _base_mac(request, proof.params, key)
        kept = mac[:_KEPT]
        # Compared as it is written: that makes its base64 canonical for free.
        if not hmac.compare_digest(b2a_base64(mac)[:-1], proof.signature):
            raise ProofError("signature", "the request was not signed with this token, or was changed")
        # No memory is taken until `.kept` is there: from now on none but its sender may have it carried out.
        # Before the challenge is looked at: what was carried out is not to be signed again.
        if kept in self._used:
            raise ProofError("replayed", "this signature has been used")
        if not proof.nonce.startswith(challenge):
            raise ProofError("stale_nonce", "the nonce does not begin with the current challenge")
        proof.kept = kept
        if request.fields[b"content-digest"] != digest_field(request.body):
            raise ProofError("invalid_request", "Content-Digest is not that of the body")

    def use(self, proof):
        """Remember the signature of a `proof` that was checked, and of no other: it is good no longer. Takes
        no memory.
        """
        if proof.kept is None:
            return
        at = self._at
        self._used[at : at + _KEPT] = proof.kept
        proof.kept = None
        self._at = (at + _KEPT) % (USES * _KEPT)
        if not self._at:
            self.renew()


def check_time(proof, now):
    """Check that the request was signed now, in Unix seconds. Raises ProofError."""
    if abs(proof.created - now) > WINDOW:
        raise ProofError("created_out_of_window", "created is not within %d s of the board's time" % WINDOW)


def is_signed(value):
    """Tell whether the value of Authorization (bytes) is that of a signed request."""
    return value[:10].lower() == _SCHEME


def parse(fields):
    """Return the Proof in the fields of a request (bytes by lower-case name). Raises ProofError.

    One spelling is taken, to the octet (RFC 9651): what is signed and what is checked cannot differ.
    """
    token = fields[b"authorization"][10:].lstrip(b" ")
    given = fields.get(b"signature-input", b"")
    signature = fields.get(b"signature", b"")
    if b"content-digest" not in fields:
        raise _malformed("Content-Digest is missing")
    if not given.startswith(_INPUT) or not given.endswith(_END):
        raise _malformed("Signature-Input is not as it should be")
    created, _, nonce = given[len(_INPUT) : -len(_END)].partition(_NONCE)
    if not created.isdigit() or len(created) != 10:
        raise _malformed("created is not a time")
    if nonce[_CHALLENGE : _CHALLENGE + 1] != b"." or not 8 <= len(nonce) - _CHALLENGE - 1 <= 32:
        raise _malformed("the nonce is not CHALLENGE.OWN, the latter of 8 to 32 characters")
    try:
        # As if both parts were one text of whole octets: a loop over them takes twenty times as long.
        base64url.decode(nonce.replace(b".", b"", 1) + b"A" * ((1 - len(nonce)) % 4))
    except base64url.Base64Error:
        raise _malformed("the nonce has characters that are not base64url") from None
    if len(signature) != 49 or signature[:4] != b"pw=:" or signature[48:] != b":":
        raise _malformed("Signature is not pw=:BASE64:")
    return Proof(token, given[3:], int(created), nonce, signature[4:48])


def digest_field(body):
    """Return the value of Content-Digest (RFC 9530) for `body`."""
    return _DIGEST + b2a_base64(sha256(body).digest())[:-1] + b":"


def authority(host):
    """Return @authority for a Host field (RFC 9421 section 2.2.3): in lower case, without a port that is the
    scheme's. Nobody speaks HTTPS on port 80, nor HTTP on 443.
    """
    host = host.lower()
    if host.endswith(b":80"):
        return host[:-3]
    return host[:-4] if host.endswith(b":443") else host


def _base_mac(request, params, key):
    """Return the MAC of the signature base (RFC 9421 section 2.5), fed in pieces: together they are thousands
    of octets in one block.
    """
    fields = request.fields
    mac = hmac.new(key)
    mac.update(b'"@method": ' + request.method.encode())
    mac.update(b'\n"@authority": ' + authority(fields[b"host"]))
    mac.update(b'\n"@path": ' + request.path.encode())
    mac.update(b'\n"@query": ?' + request.query.encode())
    mac.update(b'\n"authorization": ')
    mac.update(fields[b"authorization"])
    mac.update(b'\n"content-digest": ')
    mac.update(fields[b"content-digest"])
    mac.update(b'\n"@signature-params": ')
    mac.update(params)
    return mac.digest()


def _malformed(detail):
    return ProofError("invalid_request", detail)
