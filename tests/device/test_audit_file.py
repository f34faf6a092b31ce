"""The audit's files: what is written stays, what is changed shows, a power cut takes the last write only."""

import json
import os

from audit_bench import (
    EVENT,
    EVENTS,
    FOLDER,
    REFUSALS,
    START,
    Clock,
    Request,
    Response,
    ask,
    audit_of,
    content,
    digest,
    in_folder,
    numbers,
    put,
    size,
    waiting,
    whole,
    write,
    write_events,
)
from firmware import audit_file, audit_read
from firmware.access import Denied
from firmware.audit import Audit
from harness import cases, equal, raises

# Of ours one is about 140 octets: so many events fill the older file and a part of the newer one.
TWO_FILES = 80


@in_folder
def test_lines_are_as_the_documentation_says():
    who = b'"by":"anna","jti":"j1","from":"10.0.0.1"'
    first = b'{"n":1,"t":1793491200,"what":"set","pin":"relay","value":true,' + who
    refused = b'{"n":2,"t":1793491200,"what":"refused","by":"anna","from":"10.0.0.1","code":"no","count":1'
    second = b'{"n":3,"t":1793491200,"what":"toggle","pin":"relay","value":false,' + who
    head = b'{"n":0,"h":"0000000000000000"}\n'
    write(audit_of(("set", "relay", True), refused=["no"]))
    for path, line in ((EVENTS, first), (REFUSALS, refused)):
        equal(content(path), head + line + b',"h":"%s"}\n' % digest(START, line).encode())
    before = content(EVENTS)
    write(audit_of(("toggle", "relay", False)))
    equal(content(EVENTS), before + second + b',"h":"%s"}\n' % digest(digest(START, first), second).encode())


@in_folder
def test_without_the_time_and_without_anybody():
    audit = audit_of(unix=None)
    audit.note(("start", None, "pwron"))
    write(audit)
    record = ask()["records"][0]
    del record["h"]
    equal(record, {"n": 1, "t": None, "what": "start", "value": "pwron"})


@in_folder
def test_the_chain_goes_on_over_restarts_and_files():
    write_events(TWO_FILES)
    found = whole()
    equal([record["n"] for record in found], list(range(1, TWO_FILES + 1)))
    write_events(300)
    found = whole()
    equal(found[-1]["n"], TWO_FILES + 300)
    assert 50 < len(found) < 130, len(found)
    assert 4096 < size(EVENTS + ".old") <= 8192
    assert size(EVENTS) <= 8192
    equal(sorted(os.listdir(FOLDER)), ["events", "events.old"])


@in_folder
def test_the_answer_comes_page_by_page_from_both_rings():
    equal(ask(""), {"chain": "whole", "dropped": 0, "waiting": [], "records": []})
    for number in range(30):
        write(audit_of(("toggle", "relay", True), refused=["x"] if number % 10 == 0 else ()))
    equal(numbers(""), list(range(33, 13, -1)))
    equal(numbers("limit=3"), [33, 32, 31])
    equal(numbers("before=31&limit=2"), [30, 29])
    equal(numbers("limit=50&before=3"), [2, 1])
    equal(numbers("before=1"), [])
    refused = [record["n"] for record in ask()["records"] if record["what"] == "refused"]
    equal(refused, [24, 13, 2])


@in_folder
def test_what_waits_is_told_but_not_on_later_pages():
    write_events(3)
    audit = audit_of(("set", "relay", True), ("toggle", "relay", False), refused=["x"])
    audit.dropped = 7
    answer = ask("limit=1", audit)
    equal([record["what"] for record in answer["waiting"]], ["refused", "toggle", "set"])
    assert "n" not in answer["waiting"][0]
    equal((answer["dropped"], [record["n"] for record in answer["records"]]), (7, [3]))
    equal(ask("limit=1&before=3", audit)["waiting"], [])
    equal(audit.count, 2)


@cases(
    [
        ("no number", "limit=x"),
        ("no such member", "since=3"),
        ("none at all", "limit=0"),
        ("too many", "limit=51"),
        ("below zero", "before=-1"),
        ("of no end", "before=" + "9" * 40),
        ("nothing", "before="),
        ("an ampersand too many", "limit=3&"),
    ]
)
def test_a_bad_query_is_refused(query):
    error = raises(Denied, audit_read.read, Audit(Clock()), query, FOLDER, code="invalid_request")
    equal(error.status, 400)


@cases(
    [
        ("quotation marks", 'a"b\\c' * 200),
        ("what moves a cursor", "\x1b[2J\r\n\x00" * 200),
        ("Umlauts", "äöü" * 200),
        ("faces", "\U0001f600" * 200),
        ("a name", "anna@example.com"),
    ]
)
@in_folder
def test_whatever_a_name_is_a_line_is_json_and_short(name):
    audit = Audit(Clock())
    for status, action in ((200, ("revoked", None, "jti " + name)), (401, None)):
        audit.hear(Request("255.255.255.255"), Response(status, action, "created_out_of_window", name, name))
    write(audit)
    for path in (EVENTS, REFUSALS):
        for line in content(path).split(b"\n"):
            assert len(line) < 300, line
    records = ask()["records"]
    for record in records:
        assert name.startswith(record["by"])
        assert record["by"]


def edit(path, change):
    put(path, change(content(path)))


def without_line(number):
    def change(data):
        kept = [line for line in data.split(b"\n") if not line.startswith(b'{"n":%d,' % number)]
        return b"\n".join(kept)

    return change


def of_line(number, old, new):
    def change(data):
        lines = data.split(b"\n")
        for i in range(len(lines)):
            if lines[i].startswith(b'{"n":%d,' % number):
                lines[i] = lines[i].replace(old, new)
        return b"\n".join(lines)

    return change


def swapped(data):
    lines = data.split(b"\n")
    lines[3], lines[4] = lines[4], lines[3]
    return b"\n".join(lines)


def first_of(path):
    return int(content(path).split(b"\n")[1].split(b",")[0][5:])


@in_folder
def test_a_file_without_any_record_is_set_aside_and_told_of():
    write_events(TWO_FILES)
    equal(write(audit_of(("set", "relay", True))), False)
    edit(EVENTS, lambda data: b"\xff\n" * 500)
    equal(write(audit_of(("set", "relay", True))), True)
    equal(content(EVENTS + ".bad"), b"\xff\n" * 500)
    # For as long as it lies there: what was in it is missing.
    equal(write(audit_of(("set", "relay", True))), True)
    assert ask()["chain"].startswith("broken at ")


@cases(
    [
        ("another name", "old", of_line(5, b"anna", b"bert"), 5),
        ("another time", "old", of_line(5, b"1793491200", b"1793491201"), 5),
        ("a line is gone", "old", without_line(5), 6),
        ("two lines are exchanged", "old", swapped, 4),
        ("a line that is not ours", "old", of_line(5, b'{"n":5', b'{"m":5'), 5),
        ("a line that is not JSON", "old", of_line(5, b'"what":', b'"what"'), 5),
        ("a line that is no text", "old", of_line(5, b"anna", b"\xff\xfe\x00\x01"), 5),
        ("a very long line", "old", of_line(5, b"anna", b"anna" * 1000), 5),
        ("a hash is another", "old", lambda data: data.replace(data[-19:-3], b"0" * 16), None),
        (
            "the newest line of the older file is gone",
            "old",
            lambda data: data[: data[:-1].rfind(b"\n") + 1],
            None,
        ),
        ("the newer file has no head", "new", lambda data: data[data.find(b"\n") + 1 :], None),
        ("the newer file is no text", "new", lambda data: bytes(3000), None),
        ("the older file is empty", "old", lambda data: b"", None),
    ]
)
@in_folder
def test_a_change_shows(which, change, at):
    write_events(TWO_FILES)
    newer = first_of(EVENTS)
    edit(EVENTS + ".old" if which == "old" else EVENTS, change)
    chain = ask()["chain"]
    if at is None:  # where one file meets the other
        assert chain.startswith("broken at "), chain
        assert int(chain.split(" ")[2]) in (newer - 1, newer), chain
    else:
        equal(chain, "broken at %d" % at)
    # What comes after it is recorded all the same, and told; it does not mend what is broken.
    write_events(1)
    answer = ask()
    equal(answer["chain"], chain)
    newest = answer["records"][0]["n"]
    # Numbers that nobody can read any more are given again.
    assert newest == TWO_FILES + 1 or (at is None and newest in (newer, newer + 1)), newest


@in_folder
def test_an_older_file_that_is_gone_shows():
    write_events(TWO_FILES)
    newer = first_of(EVENTS)
    os.remove(EVENTS + ".old")
    equal(ask()["chain"], "broken at %d" % (newer - 1))


@in_folder
def test_what_a_chain_without_a_key_does_not_show():
    """As docs/audit.md says: the end cut off, and all of it written anew. So the tools remember its head."""
    write_events(20)
    edit(EVENTS, lambda data: data[: data.find(b'{"n":11,')])
    equal((ask()["chain"], numbers("limit=1")), ("whole", [10]))
    write_events(1)
    equal((ask()["chain"], numbers("limit=1")), ("whole", [11]))


@in_folder
def test_a_torn_line_is_cut_off_and_told_wherever_the_power_went():
    write_events(3)
    before = content(EVENTS)
    write(audit_of(("toggle", "relay", True), ("set", "lamp", False)))
    after = content(EVENTS)
    ends = [before + after[len(before) : end + 1] for end in range(len(before), len(after))]
    for torn in [before] + ends:
        put(EVENTS, torn)
        lines = torn.count(b"\n")
        answer = ask()
        equal((answer["chain"], len(answer["records"])), ("whole", lines - 1))
        write(audit_of(("pulse", "opener", 300)))
        was_torn = torn[-1:] != b"\n"
        found = [record["what"] for record in whole()]
        equal(found, ["set", "set", "set", "toggle", "set"][: lines - 1] + ["torn"] * was_torn + ["pulse"])
        assert content(EVENTS).startswith(torn[: torn.rfind(b"\n") + 1])


@in_folder
def test_the_power_goes_between_two_files():
    """The file has become the older one, and of the next there is nothing, or a part of its head."""
    write_events(TWO_FILES)
    old, new = content(EVENTS + ".old"), content(EVENTS)
    first = first_of(EVENTS)
    for end in range(0, 60):
        put(EVENTS + ".old", old)
        put(EVENTS, new[:end])
        write(audit_of(("pulse", "opener", 300)))
        found = whole()
        torn = ["torn"] * (new[:end][-1:] not in (b"", b"\n"))
        equal([record["what"] for record in found[first - 1 :]], torn + ["pulse"])
        equal(found[first - 1]["n"], first)
    os.remove(EVENTS)
    write(audit_of(("pulse", "opener", 300)))
    equal(whole()[-1]["n"], first)


@in_folder
def test_no_file_gets_larger_than_it_may_be_also_when_it_is_torn_again_and_again():
    for number in range(200):
        write(audit_of(("set", "relay", True), refused=["x", "y"]))
        if number % 3:
            for path in (EVENTS, REFUSALS):
                with open(path, "ab") as file:
                    file.write(b'{"n":')
        for path in os.listdir(FOLDER):
            assert size(FOLDER + "/" + path) <= (8192 if path.startswith("events") else 2048), path
    found = whole()
    assert len([record for record in found if record["what"] == "torn"]) > 20


class FullFile:
    """A file on a flash that takes so many octets more."""

    def __init__(self, path, mode, room):
        self._file = open(path, mode)
        self._writes = mode != "rb"
        self._room = room

    def __enter__(self):
        return self if self._writes else self._file

    def __exit__(self, *error):
        self._file.close()

    def write(self, data):
        if len(data) > self._room:
            raise OSError(28, "no room left")
        self._room -= len(data)
        return self._file.write(data)


@in_folder
def test_a_full_flash_takes_nothing_and_all_of_it_comes_later():
    write_events(3)
    before = content(EVENTS)
    audit = audit_of(*[EVENT] * 20, refused=["x"])
    audit_file.open = lambda path, mode: FullFile(path, mode, 100)
    try:
        equal(raises(OSError, write, audit).errno, 28)
    finally:
        del audit_file.open
    equal((content(EVENTS), audit.count, len(audit.refused), audit.dropped), (before, 16, 1, 4))
    write(audit)
    equal((waiting(audit), audit.refused, audit.dropped), ([], [], 0))
    found = whole()
    equal([record.get("dropped") for record in found], [None] * 3 + [4] + [None] * 16)
    equal(found[-1]["what"], "refused")


@cases([("after %d lines" % most, most) for most in range(8)])
@in_folder
def test_no_line_is_written_twice_when_memory_ends_between_two_of_one_write(most):
    audit = audit_of(*[("key added", None, "key %d" % number) for number in range(5)], refused="abc")
    make_line = audit_file._line
    left = [most]

    def scarce(number, text, digest):
        left[0] -= 1
        if left[0] < 0:
            raise MemoryError
        return make_line(number, text, digest)

    audit_file._line = scarce
    try:
        raises(MemoryError, write, audit)
    finally:
        audit_file._line = make_line
    equal((len(whole()), audit.count + len(audit.refused)), (most, 8 - most))
    write(audit)
    keys = ["key %d" % number for number in range(5)]
    equal([record.get("value") or record["code"] for record in whole()], keys + ["a", "b", "c"])


@in_folder
def test_writes_are_counted_and_end_where_there_are_none_left():
    audit = audit_of(*[EVENT] * 16)
    audit.saved = 1
    write(audit)
    equal(audit.saved, 0)
    assert 0 < audit.count < 16, audit.count
    left = audit.count
    audit.saved = 5
    write(audit)
    equal((audit.saved, len(whole())), (4, 16))
    assert left


@in_folder
def test_a_ring_that_turns_while_it_is_read_ends_the_answer():
    """It has told its length already: so the connection is closed, and the client asks again."""
    write_events(50)
    response = audit_read.read(Audit(Clock()), "limit=50", FOLDER)
    pieces = iter(response.body)
    for _ in range(10):
        assert next(pieces)
    write_events(TWO_FILES)
    raises(OSError, lambda: list(pieces))
    equal(json.loads(b"".join(audit_read.read(Audit(Clock()), "", FOLDER).body))["chain"], "whole")


@in_folder
def test_an_answer_outlives_its_module():
    """app.py unloads it, and clears its names, before the answer is written."""
    write_events(5)
    response = audit_read.read(Audit(Clock()), "limit=2", FOLDER)
    names = dict(audit_read.__dict__)
    others = dict(audit_file.__dict__)
    for name in names:
        if not name.startswith("__"):
            del audit_read.__dict__[name]
    for name in others:
        if not name.startswith("__"):
            del audit_file.__dict__[name]
    try:
        body = b"".join(response.body)
    finally:
        audit_read.__dict__.update(names)
        audit_file.__dict__.update(others)
    equal([record["n"] for record in json.loads(body)["records"]], [5, 4])
    equal(len(body), response.length)
