"""An audit on a bench: its clock, its files in a folder of their own, and what a reader makes of them."""

import json
import os
from binascii import hexlify
from hashlib import sha256

import folder_bench
from firmware import audit_file, audit_read
from firmware.audit import Audit

NOW = 1793491200  # 2026-11-01
FOLDER = "test_audit_files"
EVENTS, REFUSALS = FOLDER + "/events", FOLDER + "/refusals"
START = "0" * 16
EVENT = ("key added", None, "2026-11")  # of commands by one subject, not all are kept


class Clock:
    """clock.Clock, as far as the audit uses it."""

    def __init__(self, unix=NOW):
        self.unix = unix
        self.was_moved = False

    def set(self, unix):
        self.unix = unix
        self.was_moved = True

    def now(self):
        return self.unix

    def state(self):
        return {"set": True, "source": "ntp"}


class Request:
    def __init__(self, address="10.0.0.1", **fields):
        self.peer = (address, 40000)
        self.fields = {name.encode(): value for name, value in fields.items()}


class Response:
    """response.Response, as far as the audit uses it."""

    def __init__(self, status=200, action=None, code=None, subject="anna", token_id="j1", reason=None):
        self.status = status
        self.action = action
        self.code = code
        self.reason = reason
        self.subject = subject
        self.token_id = token_id


in_folder = folder_bench.in_folder(FOLDER, is_made=False)


def empty():
    folder_bench.empty(FOLDER)


def audit_of(*events, refused=(), unix=NOW):
    """An Audit in which these wait: (what, pin, value) of anna's token j1."""
    audit = Audit(Clock(unix))
    for action in events:
        audit.hear(Request(), Response(action=action))
    for code in refused:
        audit.hear(Request(), Response(401, code=code))
    return audit


def waiting(audit):
    """The events that wait, as tuples."""
    return [tuple(entry) for entry in audit_file.waiting(audit)]


def write(audit, due=7):
    return audit_file.write(audit, due, FOLDER)


def write_events(count, first=0):
    """`count` events, in an audit of their own after each few, as after restarts."""
    for number in range(first, first + count):
        audit = audit_of(("set", "relay", number % 2 == 1))
        write(audit)


def ask(query="limit=50", audit=None):
    """The answer to a request, parsed."""
    response = audit_read.read(audit or Audit(Clock()), query, FOLDER)
    body = b"".join(response.body)
    assert len(body) == response.length, (len(body), response.length)
    return json.loads(body)


def numbers(query="limit=50"):
    return [record["n"] for record in ask(query)["records"]]


def whole():
    """All records of both rings, the oldest first, page by page."""
    found = []
    query = "limit=50"
    while True:
        answer = ask(query)
        assert answer["chain"] == "whole", answer["chain"]
        if not answer["records"]:
            return list(reversed(found))
        found += answer["records"]
        query = "limit=50&before=%d" % found[-1]["n"]


def content(path):
    with open(path, "rb") as file:
        return file.read()


def put(path, data):
    with open(path, "wb") as file:
        file.write(data)


def size(path):
    try:
        return os.stat(path)[6]
    except OSError:
        return 0


def digest(before, text):
    """The h of a line, by the words of docs/audit.md."""
    return str(hexlify(sha256(before.encode() + text).digest()[:8]), "utf-8")
