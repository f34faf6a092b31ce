"""The answer to GET /api/v1/audit. Loaded for each such request, and unloaded after it."""

import strictjson

from . import storage
from .access import Denied
from .audit_file import FOLDER, HEAD, LAST, RINGS, digest_of, event, lines, more, parse, refusal, waiting
from .response import Response


def read(audit, query, folder=FOLDER):
    """Return the Response to a request for the newest records, or for those before one. Raises Denied for a
    `query` that is not `before=N&limit=N`, or one of them, or neither.
    """
    before, limit = _asked(query)
    paths, heads, found = [], [], []
    broken = None
    for name, _ in RINGS:
        start = len(found)
        last = None  # (number, h) of the line before
        for path in (folder + "/" + name + ".old", folder + "/" + name):
            if broken is None and storage.is_there(path + ".bad"):  # its records are missing
                broken = last[0] + 1 if last else 0
            if not storage.is_there(path):
                continue
            paths.append(path)
            heads.append(b"")
            for offset, line in lines(path):
                if line is None:  # torn; that is told when the next is written
                    continue
                told = parse(line)
                if offset == 0:
                    heads[-1] = line
                    # A ring that has dropped nothing begins with 0, and one that has has an older file.
                    before_it = last or (told if told and (path[-4:] == ".old" or told[0] == 0) else None)
                    good = told is not None and told == before_it and line == HEAD % told
                else:
                    good = told and last and told[0] > last[0] and digest_of(last[1], line[:-LAST]) == told[1]
                if not good and broken is None:
                    broken = told[0] if told else last[0] + 1 if last else 0
                if told and offset and (before is None or told[0] < before) and (good or _is_json(line)):
                    found.append((told[0], offset << 12 | len(line) << 2 | len(paths) - 1))
                    if len(found) - start > limit:
                        found.pop(start)
                last = told or last
    found.sort()
    del found[:-limit]
    found.reverse()
    chain = "whole" if broken is None else "broken at %d" % broken
    # In pieces: memory is, too.
    pieces = [b'{"chain":"%s","dropped":%d,"waiting":[' % (chain.encode(), audit.dropped)]
    pieces += _waiting(audit) if before is None else ()
    pieces.append(b'],"records":[')
    length = sum([len(piece) for piece in pieces]) + max(0, len(found) - 1) + 2
    for _, place in found:
        length += place >> 2 & 1023
    return Response(200, _body(pieces, found, paths, heads), length=length)  # pyright: ignore[reportArgumentType]


def _body(pieces, found, paths, heads):
    # No name of this module: when the answer is written, it has been unloaded.
    for piece in pieces:
        yield piece
    comma = b""
    for _, place in found:
        with open(paths[place & 3], "rb") as file:
            head = heads[place & 3]
            if file.read(len(head)) != head:  # the ring has turned meanwhile: the client is to ask again
                raise OSError(5)
            file.seek(place >> 12)
            line = file.read(place >> 2 & 1023)
        yield comma + line
        comma = b","
    yield b"]}"


def _waiting(audit):
    """Return the records that are not on the flash yet, newest first; no numbers."""
    texts = [event(entry, 0) for entry in waiting(audit)]
    for row in audit.tally:
        if row[1] > 0:
            texts.append(event((audit.now(),) + more(row) + (row[0], None, None), 0))
    texts += [refusal(row, audit.now()) for row in audit.refused]
    texts.reverse()
    return [(b",{%s}" if i else b"{%s}") % text for i, text in enumerate(texts)]


def _asked(query):
    """Return (before or None, limit) of a query."""
    asked = {}
    for part in query.split("&") if query else ():
        name, _, value = part.partition("=")
        if name in asked or name not in ("limit", "before") or not value.isdigit() or len(value) > 9:
            raise _bad()
        asked[name] = int(value)
    limit = asked.get("limit", 20)
    if not 1 <= limit <= 50:
        raise _bad()
    return asked.get("before"), limit


def _bad():
    return Denied(400, "invalid_request", "the query takes before, a number, and limit, 1 to 50")


def _is_json(line):
    try:
        return strictjson.loads(line) is not None
    except strictjson.JSONError:
        return False
