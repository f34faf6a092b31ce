"""MicroPython's module `tls` (`extmod/modtls_mbedtls.c`) on CPython: the same calls, the same quirks, for a
server.

An SSLSocket there is a stream on top of a socket that it does not own entirely: read and write return None
where they would have to wait, a handshake goes on in whichever of them is called, and one that failed makes
it forget the socket, which stays open.
"""

import errno
import os
import ssl
from binascii import b2a_base64

PROTOCOL_TLS_SERVER = 1
CERT_NONE = 0

_RECORD = 4096  # octets; MBEDTLS_SSL_OUT_CONTENT_LEN of the board's builds
_CHUNK = 4096
_CIPHERS = {
    "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
}
_INVALID_RECORD = -0x7200  # MBEDTLS_ERR_SSL_INVALID_RECORD, for whatever fails


class SSLContext:
    """What connections have in common. TLS 1.2 and nothing else, as on the board."""

    def __init__(self, protocol):
        if protocol != PROTOCOL_TLS_SERVER:
            raise ValueError("the stand-in is for servers")
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.minimum_version = self._context.maximum_version = ssl.TLSVersion.TLSv1_2
        self._context.options |= ssl.OP_NO_TICKET

    def load_cert_chain(self, cert, key):
        """Take a certificate and its key, bytes of DER. ValueError "invalid cert" or "invalid key"."""
        # CPython takes them from files only. A pipe is one that is on no disk.
        files = [_pipe(_pem("CERTIFICATE", cert)), _pipe(_pem("PRIVATE KEY", key))]
        try:
            self._context.load_cert_chain(*["/dev/fd/%d" % file for file in files])
        except OSError:  # SSLError is one
            raise ValueError("invalid key" if _is_certificate(cert) else "invalid cert")
        finally:
            for file in files:
                os.close(file)

    def set_ciphers(self, names):
        """Allow these alone, the best first. OSError for one that there is not."""
        if not names or any(name not in _CIPHERS for name in names):
            raise OSError(-0x5E80, "MBEDTLS_ERR_SSL_BAD_CONFIG")
        self._context.set_ciphers(":".join([_CIPHERS[name] for name in names]))

    def wrap_socket(self, sock, *, server_side=False, do_handshake_on_connect=True, server_hostname=None):
        if not server_side or do_handshake_on_connect:
            raise ValueError("the stand-in is for servers that do not wait")
        return SSLSocket(self._context, sock)


class SSLSocket:
    """A session. What it has in its buffers can be read without the socket: see `pending`."""

    def __init__(self, context, sock):
        self._sock = sock
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._session = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._unsent = b""  # records that the socket has not taken
        self._accepted = 0  # octets of the write that made them: it is to be asked for again
        self._shaken = False

    def read(self, size=-1):
        return self._read(size if size >= 0 else _CHUNK)

    def readinto(self, buffer):
        if not len(buffer):
            return 0
        data = self._read(len(buffer))
        if data is None:
            return None
        buffer[: len(data)] = data
        return len(data)

    def write(self, data):
        """How many octets of it were sent; None where none could be. What was begun goes on with the same
        octets, whichever those are.
        """
        data = bytes(data)
        if not self._shaken and not self._shake():
            return None
        sent = 0
        while sent < len(data):
            part = data[sent : sent + _RECORD]
            if not self._accepted:
                self._session.write(part)
                self._accepted = len(part)
            if not self._flush():
                break
            sent += self._accepted
            self._accepted = 0
        return sent or None

    def setblocking(self, flag):
        self._sock.setblocking(flag)

    def close(self):
        """Close the socket, too, unless the handshake has failed: then it has been forgotten."""
        if self._sock is not None:
            self._sock.close()

    def cipher(self):
        return self._session.cipher()[:2]

    def fileno(self):
        """For CPython's event loop: MicroPython's polls the session itself."""
        return self._sock.fileno() if self._sock is not None else -1

    def pending(self):
        """How many octets are to be read without waiting, for the event loop."""
        return self._session.pending() + self._incoming.pending

    def _read(self, size):
        data = b""
        while len(data) < size:
            if not self._shaken and not self._shake():
                break
            try:
                part = self._session.read(size - len(data))
            except ssl.SSLWantReadError:
                if not self._receive():
                    break
                continue
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                part = b""
            except ssl.SSLError as error:
                raise OSError(_INVALID_RECORD, str(error))
            if not part:
                return data
            data += part
        return data or None

    def _shake(self):
        """Go on with the handshake. Whether it is over."""
        while True:
            if self._sock is None:
                raise OSError(errno.EBADF, "EBADF")
            try:
                self._session.do_handshake()
                self._shaken = True
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as error:
                self._flush()  # the alert
                self._sock = None
                raise OSError(_INVALID_RECORD, str(error))
            if not self._flush():
                return False
            if self._shaken:
                return True
            if not self._receive():
                return False

    def _receive(self):
        """Take what has come; whether there was anything, be it the end."""
        try:
            data = self._sock.recv(_CHUNK)
        except BlockingIOError:
            return False
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
        return True

    def _flush(self):
        """Send what is to go out; whether all of it went."""
        self._unsent += self._outgoing.read()
        while self._unsent:
            try:
                sent = self._sock.send(self._unsent)
            except BlockingIOError:
                return False
            self._unsent = self._unsent[sent:]
        return True


def _is_certificate(data):
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=bytes(data))
    except (ssl.SSLError, ValueError):
        return False
    return True


def _pem(what, data):
    text = b2a_base64(data).decode()
    return "-----BEGIN %s-----\n%s-----END %s-----\n" % (what, _folded(text), what)


def _folded(text):
    text = text.strip()
    return "".join([text[at : at + 64] + "\n" for at in range(0, len(text), 64)])


def _pipe(text):
    """A descriptor from which the text can be read once."""
    reading, writing = os.pipe()
    os.write(writing, text.encode())
    os.close(writing)
    return reading
