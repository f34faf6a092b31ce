"""The board's files /settings.json and /secrets.json: one schema, checked by the same code on the host before
they are sent and on the board when it starts.

Every problem names the field, what it holds and what it may hold, and all of them are told at once. A
secret's value is never part of a message.
"""

from binascii import a2b_base64, b2a_base64

from .pin_settings import check_pins
from .schema import check_object, only, show, suggestion

# Rows: see schema.py. Times of http are seconds, sizes are bytes.
_HTTP = (
    ("port", None, "int", 1, 65535),  # None: 80, and with tls 443
    ("tls", False, "bool", None, None),
    ("max_head", 4096, "int", 2560, 8192),  # no less than a 2048-byte token with the fields around it
    ("max_body", 2048, "int", 256, 8192),
    ("connections", 4, "int", 1, 6),  # lwIP has about ten sockets in all
    ("head_timeout", 5, "int", 1, 60),
    ("body_timeout", 5, "int", 1, 60),
    ("write_timeout", 5, "int", 1, 60),
    ("idle_timeout", 15, "int", 1, 300),
    ("streams", None, "int", 0, 4),  # None: 2, and with tls 0
    ("strangers", 120, "int", 0, 6000),  # requests a minute of an address without a token; 0: any number
)

_POLICY = (
    ("bearer", True, "bool", None, None),  # False: signed requests only
    ("max_jump", 86400, "int", 3600, 31536000),  # seconds that one time server may put the clock forward
)

_SETTINGS = (
    ("version", ..., "choice", (1,), None),
    ("name", ..., "name", 2, 32),
    ("hostname", None, "name", 2, 32),  # 32 is the most that network.hostname() takes
    ("hosts", (), "names", "host", 8),
    ("setup_mode", False, "bool", None, None),
    ("chip", ..., "choice", ("esp32", "esp32s2", "esp32s3", "esp32c3", "esp32c6"), None),
    ("issuer", None, "text", 1, 255),
    ("leeway", 0, "int", 0, 300),  # seconds
    ("max_ttl", 7776000, "int", 60, 315360000),  # seconds: 90 days; at most ten years
    ("origins", (), "names", "origin", 8),
    ("log", "errors", "choice", ("errors", "requests"), None),
    ("language", "en", "name", 2, 8),  # of the page; the tools know which there are
    ("ntp", ("pool.ntp.org", "time.cloudflare.com"), "names", "host", 4),
    ("http", None, "object", _HTTP, None),
    ("policy", None, "object", _POLICY, None),
    ("pins", None, "object", (), None),
)

_SECRETS = ("wifi", "keys", "retired", "setup_password", "tls")
_WIFI = ("ssid", "password")
_TLS = ("cert", "key")
_KEY = ("kty", "kid", "alg", "k")
_PLAIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"  # needs no encoding anywhere


class SettingsError(ValueError):
    """What is wrong with a file, all of it: `.problems` is a list of sentences, str() puts one on a line."""

    def __init__(self, problems):
        super().__init__("\n".join(problems))
        self.problems = problems

    def __str__(self):
        return "\n".join(self.problems)


def check_settings(data):
    """The settings in `data` (/settings.json decoded) as a new dict with every default filled in.

    An interlock holds both ways whichever side names it: the result is made symmetric. Raises SettingsError.
    """
    problems = []
    if type(data) is not dict:
        raise SettingsError([f"settings: holds {show(data)}; may hold an object"])
    rest = {name: data[name] for name in data if name != "pins"}
    result = check_object(problems, "", rest, _SETTINGS)
    if result["hostname"] is None:
        result["hostname"] = result["name"]
    http = result["http"]
    if http is not None:
        _check_http(problems, http)
    result["pins"] = check_pins(problems, data.get("pins", {}), result["chip"])
    if problems:
        raise SettingsError(problems)
    return result


def _check_http(problems, http):
    if http["port"] is None:
        http["port"] = 443 if http["tls"] else 80
    # Two places are left for all others; in TLS there are but two (tls.py), and one is.
    most = (http["connections"] or 6) - (1 if http["tls"] else 2)
    most = max(0, min(most, 1 if http["tls"] else 4))
    if http["streams"] is None:
        http["streams"] = 0 if http["tls"] else min(2, most)
    elif http["streams"] > most:
        text = "http.streams: holds {}; may hold at most {}, as other requests need places too"
        problems.append(text.format(http["streams"], most))


def check_secrets(data):
    """The secrets in `data` (/secrets.json decoded) as a new dict with "wifi" (a dict or None), "keys" (a
    list of JWKs, RFC 7517) and "setup_password" (a str or None); and with "retired", the names of keys that
    are not to come back (see keyring.py), and "tls", {"cert", "key"} in DER and base64, where they are there.
    Raises SettingsError, whose text holds no secret.
    """
    problems = []
    if type(data) is not dict:
        raise SettingsError(["secrets: may hold an object with " + ", ".join(_SECRETS)])
    _unknown_secret(problems, "secrets", data, _SECRETS)
    wifi = data.get("wifi")
    if wifi is not None:
        wifi = _check_wifi(problems, wifi)
    password = data.get("setup_password")
    if password is not None and not _is_passphrase(password):
        problems.append(
            "setup_password: may hold null or 8 to 63 characters of ASCII, such as a-z, 0-9 and -"
        )
    keys = data.get("keys")
    if type(keys) is not list or not 1 <= len(keys) <= 4:
        problems.append("keys: may hold a list of 1 to 4 keys; without a key no token can be verified")
        keys = []
    kids = []
    keys = [_check_key(problems, f"keys[{i}]", keys[i], kids) for i in range(len(keys))]
    retired = data.get("retired", [])
    if type(retired) is not list or len(retired) > 32 or [kid for kid in retired if type(kid) is not str]:
        problems.append("retired: may hold a list of at most 32 names of keys")
    pair = data.get("tls")
    if pair is not None:
        pair = _check_tls(problems, pair)
    if problems:
        raise SettingsError(problems)
    result = {"wifi": wifi, "keys": keys, "setup_password": password}
    if pair is not None:
        result["tls"] = pair
    if retired:
        result["retired"] = retired
    return result


def _is_passphrase(value):
    # IEEE 802.11 annex J.4: 8 to 63 characters, each printable ASCII. The 64 hexadecimal digits of a raw key
    # are none: the driver cuts what an access point gets at 63.
    return type(value) is str and 8 <= len(value) <= 63 and min(value) >= " " and max(value) <= "~"


def _unknown_secret(problems, path, data, known):
    # The name itself may be a password in the wrong place, so only what was probably meant is told.
    for name in data:
        if name not in known:
            problems.append(f"{path}: holds a member that is not known; {suggestion(name, known)}")


def _check_wifi(problems, wifi):
    if type(wifi) is not dict:
        problems.append("wifi: may hold null or an object with ssid, password")
        return None
    _unknown_secret(problems, "wifi", wifi, _WIFI)
    ssid, password = wifi.get("ssid"), wifi.get("password")
    if type(ssid) is not str or not 1 <= len(ssid.encode()) <= 32:
        problems.append("wifi.ssid: may hold the network's name, 1 to 32 bytes")
    # IEEE 802.11: a passphrase of 8 to 63 characters, or 64 hexadecimal digits.
    if type(password) is not str or not (password == "" or 8 <= len(password.encode()) <= 64):
        problems.append('wifi.password: may hold 8 to 64 characters, or "" for an open network')
    return {"ssid": ssid, "password": password}


def _check_tls(problems, pair):
    if type(pair) is not dict:
        problems.append("tls: may hold null or an object with " + ", ".join(_TLS))
        return None
    _unknown_secret(problems, "tls", pair, _TLS)
    for name in _TLS:
        text, der = pair.get(name), b""
        try:
            der = a2b_base64(text) if type(text) is str and len(text) <= 2048 else b""
        except ValueError:
            pass
        # An ASN.1 sequence, and no PEM. Whether it is a certificate, and its key, is for the library to say.
        if der[:1] != b"\x30":
            problems.append(f"tls.{name}: may hold what `pinwarden ca issue` makes, DER in base64")
    return {name: pair.get(name) for name in _TLS}


def _check_key(problems, path, key, kids):
    if type(key) is not dict:
        problems.append(f"{path}: may hold an object with kty, kid, alg, k")
        return None
    _unknown_secret(problems, path, key, _KEY)
    for name, value in (("kty", "oct"), ("alg", "HS256")):
        if key.get(name) != value:
            problems.append(f'{path}.{name}: may hold "{value}"')
    kid = key.get("kid")
    if type(kid) is not str or not 1 <= len(kid) <= 64 or not only(kid, _PLAIN):
        problems.append(f"{path}.kid: holds {show(kid)}; may hold 1 to 64 of A-Z a-z 0-9 . _ -")
    elif kid in kids:
        problems.append(f'{path}.kid: holds "{kid}", which another key has; give each key its own')
    kids.append(kid)
    weak = weakness(key.get("k"))
    if weak:
        problems.append(f"{path}.k: {weak}; may hold 32 to 512 random bytes in base64url, without padding")
    return {"kty": "oct", "kid": kid, "alg": "HS256", "k": key.get("k")}


def weakness(k):
    """Why the JWK member `k` makes no HS256 key (RFC 7518 section 3.2: at least 32 bytes), or None."""
    if type(k) is not str:
        return "is no text" if k is not None else "is missing"
    secret, again = b"", ""
    try:
        secret = a2b_base64(k.replace("-", "+").replace("_", "/") + "=" * (-len(k) % 4))
        again = b2a_base64(secret).decode().replace("+", "-").replace("/", "_").rstrip("=\n")
    except ValueError:
        pass
    # a2b_base64 skips what it doesn't know, on both runtimes: canonical is what encodes to the same text.
    if again != k:
        return "is not base64url"
    if not 32 <= len(secret) <= 512:
        return f"has {len(secret)} bytes"
    if secret == secret[:1] * len(secret):
        return "repeats one byte"
    return None
