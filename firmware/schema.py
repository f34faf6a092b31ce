"""A small validator: walks data along a table of members and says everything that is wrong with it.

A table is a tuple of rows `(name, default, kind, a, b)`. With the default `...` the member must be given.
Kinds:

    "int"     a whole number from a to b (a bool is none, nor is 1.0)
    "bool"    true or false
    "choice"  one of the values in the tuple a
    "text"    a string of a to b printable characters, or null if null is the default
    "name"    a to b characters: a-z, 0-9 and "-" ("_" too for a pin), a letter first, no "-" last
    "host"    a DNS name or an IPv4 address, made lower-case
    "origin"  scheme://host[:port], as browsers send it
    "names"   a list of at most b values of the kind a
    "object"  an object with the rows a
"""

_LOWER = "abcdefghijklmnopqrstuvwxyz"
_DIGITS = "0123456789"


def show(value):
    """What a value is, short enough for an error message. Never for secrets."""
    if value is None:
        return "null"
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is str:
        text = "".join([char if char >= " " else "?" for char in value[:41]])  # a message stays on its line
        return '"' + (text if len(text) <= 40 else text[:37] + "...") + '"'
    if type(value) is dict:
        return "an object"
    if type(value) is list:
        return "a list"
    return str(value)


def only(text, allowed):
    """Does `text` hold nothing but the characters `allowed`?"""
    return all(char in allowed for char in text)


def is_name(value, least, most, extra="-"):
    """A lower-case name: `least` to `most` characters, a letter first, no "-" last."""
    return (
        type(value) is str
        and least <= len(value) <= most
        and value[0] in _LOWER
        and only(value, _LOWER + _DIGITS + extra)
        and value[-1] != "-"
    )


def is_host(value):
    """A DNS name of at most 253 characters and 63 a label (RFC 1035 section 2.3.4), or an IPv4 address."""
    if type(value) is not str or not 0 < len(value) <= 253:
        return False
    for label in value.split("."):
        if not 0 < len(label) <= 63 or label[0] == "-" or label[-1] == "-":
            return False
    return only(value.lower(), _LOWER + _DIGITS + "-.")


def is_origin(value):
    """An origin as a browser writes it (RFC 6454 section 6.2): lower-case, no path, no "/" at the end."""
    if type(value) is not str or value != value.lower():
        return False
    scheme, mark, rest = value.partition("://")
    host, colon, port = rest.partition(":")
    port_is_good = 0 < len(port) <= 5 and only(port, _DIGITS) if colon else True
    return scheme in ("http", "https") and mark != "" and is_host(host) and port_is_good


def nearest(word, known):
    """The name in `known` that `word` was probably meant to be, or None: no more than half may differ."""
    best, best_cost = None, 0
    for name in known:
        # Levenshtein's distance, one row at a time.
        row = list(range(len(name) + 1))
        for i in range(len(word)):
            corner, row[0] = row[0], i + 1
            for j in range(len(name)):
                step = min(row[j] + 1, row[j + 1] + 1, corner + (word[i] != name[j]))
                corner, row[j + 1] = row[j + 1], step
        if row[-1] * 2 <= max(len(word), len(name)) and (best is None or row[-1] < best_cost):
            best, best_cost = name, row[-1]
    return best


def _expected(kind, a, b, nullable):
    """The end of "may hold …" for a row."""
    if kind == "int":
        return f"a whole number from {a} to {b}"
    if kind == "bool":
        return "true or false"
    if kind == "choice":
        return " or ".join([show(choice) for choice in a])
    if kind == "text":
        return "a text of {} to {} printable characters{}".format(a, b, ", or null" if nullable else "")
    if kind == "name":
        return f'a name of {a} to {b} characters: a-z, 0-9 and "-", a letter first, no "-" last'
    if kind == "host":
        return 'a host name such as "door.lan", or an IPv4 address'
    if kind == "origin":
        return '"https://host" or "https://host:port", lower-case, with nothing after it'
    if kind == "names":
        return f"a list of at most {b}"
    return "an object with " + ", ".join([row[0] for row in a])


def _fits(value, kind, a, b):
    if kind == "int":
        return type(value) is int and a <= value <= b
    if kind == "bool":
        return type(value) is bool
    if kind == "choice":
        return type(value) in (str, int) and value in a  # a bool equals 0 or 1, and would be found
    if kind == "text":
        return (
            type(value) is str and a <= len(value) <= b and min(value or " ") >= " " and "\x7f" not in value
        )
    if kind == "name":
        return is_name(value, a, b)
    if kind == "host":
        return is_host(value)
    return is_origin(value)


def check(problems, path, value, kind, a, b, nullable=False):
    """The value, normalised; or None, with what is wrong with it added to the list `problems`."""
    if kind == "object" and type(value) is dict:
        return check_object(problems, path + ".", value, a)
    if kind == "names" and type(value) is list and len(value) <= b:
        # A list of n values is checked as n values: "hosts[2]" is where to look.
        return [check(problems, f"{path}[{i}]", value[i], a, 1, 253) for i in range(len(value))]
    if kind not in ("object", "names") and _fits(value, kind, a, b):
        return str(value).lower() if kind == "host" else value
    if nullable and value is None:
        return None
    held = f"{len(value)} values" if kind == "names" and type(value) is list else show(value)
    problems.append(f"{path}: holds {held}; may hold {_expected(kind, a, b, nullable)}")
    return None


def check_object(problems, prefix, data, rows):
    """A new dict with every member of `rows`, defaults filled in. `prefix` ("http.") begins the paths."""
    result = {}
    for name, default, kind, a, b in rows:
        path = prefix + name
        if name in data:
            result[name] = check(problems, path, data[name], kind, a, b, default is None)
        elif default is ...:
            problems.append(f"{path}: is missing; may hold {_expected(kind, a, b, False)}")
            result[name] = None
        elif kind == "object":
            result[name] = check_object(problems, path + ".", {}, a)
        else:
            result[name] = list(default) if type(default) is tuple else default
    for name in sorted(data):  # MicroPython's dicts keep no order
        if name not in result:
            shown = name if only(name, _LOWER + _DIGITS + "_-") else show(name)
            hint = suggestion(name, [row[0] for row in rows])
            problems.append(f"{prefix}{shown}: is not known; {hint}")
    return result


def suggestion(name, known):
    """What to write instead of an unknown name: what was probably meant, or else the whole choice."""
    meant = nearest(name[:40], known)
    return f'did you mean "{meant}"?' if meant else "may hold " + (", ".join(known) or "nothing")
