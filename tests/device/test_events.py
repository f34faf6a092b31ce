"""Streams of what pins do: what is told, to whom, for how long, and who makes room for whom."""

import json

from firmware import events as events_module
from firmware.access import Grant
from firmware.events import Events
from harness import cases, equal

NOW = 1793491200
NAMES = ["lamp", "opener", "relay"]


class Pins:
    """pins.Pins as far as streams use it: each pin's value, and the serial number of its last change."""

    def __init__(self):
        self.serial = 0
        self.values = dict.fromkeys(NAMES, (False, 0))

    def names(self):
        return NAMES

    def changed_since(self, serial):
        return [name for name in NAMES if self.values[name][1] > serial]

    def change(self, name, value):
        self.serial += 1
        self.values[name] = (value, self.serial)


class Board:
    """Pins, a clock and streams; time passes when a test says so."""

    def __init__(self, most=2, leeway=0):
        self.pins = Pins()
        self.unix = NOW
        self.ticks = 1000
        self.events = Events(self.pins, self, most, leeway)

    def __enter__(self):
        events_module.ticks_ms = lambda: self.ticks
        events_module.ticks_diff = lambda a, b: ((a - b + (1 << 29)) & ((1 << 30) - 1)) - (1 << 29)
        return self

    def __exit__(self, *error):
        from time import ticks_diff, ticks_ms

        events_module.ticks_ms = ticks_ms
        events_module.ticks_diff = ticks_diff

    def now(self):
        return self.unix

    def describe(self, grant, name):
        return {
            "name": name,
            "value": self.pins.values[name][0],
            "writable": grant.allows("pins:write", name),
        }

    def open(self, scope="pins:read", sub="anna", jti=None, exp=NOW + 3600):
        """The stream of a token, not asked for anything yet; None if there is no place."""
        grant = Grant({"sub": sub, "jti": jti, "exp": exp, "scope": scope})
        response = self.events.answer(grant, self.describe)
        if response is None:
            return None
        equal((response.status, response.length, response.content_type), (200, -1, b"text/event-stream"))
        return response.body

    def follow(self, *args, **how):
        """The same, with its first event heard."""
        stream = self.open(*args, **how)
        if stream is not None:
            said(stream)
        return stream


def said(stream, text=b""):
    """What a stream says, after the octets `text` of before, until there is nothing to tell at the moment, as
    events [kind, data]; a comment is [None]. It ends with ["end"].
    """
    chunk = b"x"
    while chunk:
        chunk = next(stream, None)
        text += chunk or b""
    found = []
    parts = text.split(b"\n\n")
    equal(parts.pop(), b"")
    for part in parts:
        if part == b":":
            found.append([None])
        else:
            kind, data = str(part, "utf-8").split("\n")
            equal((kind[:7], data[:6]), ("event: ", "data: "))
            found.append([kind[7:], json.loads(data[6:])])
    if chunk is None:
        found.append(["end"])
    return found


def names_of(told):
    return [pin["name"] for pin in told[1]["pins"]]


def pin(name, value, writable=False):
    return ["pin", {"name": name, "value": value, "writable": writable}]


@cases(
    [
        ("all", "pins:read", NAMES),
        ("one", "pins:read:lamp", ["lamp"]),
        ("two, and more to write", "pins:read:relay pins:read:lamp pins:write", ["lamp", "relay"]),
        ("one that is not there", "pins:read:cellar", []),
    ]
)
def test_first_what_the_grant_may_read(scope, names):
    with Board() as board:
        stream = board.open(scope)
        (first,) = said(stream)
        equal((first[0], names_of(first)), ("pins", names))
        for told in first[1]["pins"]:
            equal(told, board.describe(Grant({"exp": 0, "scope": scope}), told["name"]))
        equal(said(stream), [])


def test_then_each_change_of_it():
    with Board() as board:
        stream = board.follow("pins:read:relay pins:read:lamp pins:write:relay")
        board.pins.change("relay", True)
        equal(said(stream), [pin("relay", True, True)])
        board.pins.change("opener", True)
        equal(said(stream), [])
        board.pins.change("lamp", True)
        board.pins.change("relay", False)
        equal(said(stream), [pin("lamp", True), pin("relay", False, True)])
        equal(said(stream), [])


def test_who_reads_slowly_hears_of_the_newest_only():
    with Board() as board:
        stream = board.follow()
        for number in range(100):
            board.pins.change("relay", number)
        equal(said(stream), [pin("relay", 99)])
        equal(said(stream), [])


def test_a_change_while_another_is_told_is_told():
    with Board() as board:
        stream = board.open()
        begun = next(stream)  # what stands before the first pin
        board.pins.change("lamp", True)
        first, later = said(stream, begun)
        equal((first[0], later), ("pins", pin("lamp", True)))
        board.pins.change("lamp", False)
        board.pins.change("relay", True)
        begun = next(stream)
        board.pins.change("lamp", 7)
        equal(said(stream, begun), [pin("lamp", False), pin("relay", True), pin("lamp", 7)])


def test_a_comment_each_second_whatever_else_is_told():
    with Board() as board:
        stream = board.follow()
        board.ticks += 999
        equal(said(stream), [])
        board.ticks += 1
        equal(said(stream), [[None]])
        equal(said(stream), [])
        for number in range(4):
            board.ticks += 500
            board.pins.change("relay", number)
            comment = [[None]] if number % 2 else []
            equal(said(stream), comment + [pin("relay", number)])


@cases(
    [
        ("its token is over", 0, 10, 10),
        ("with the leeway, later", 5, 10, 15),
        ("the clock is unset", 0, None, 10),
    ]
)
def test_it_ends_when(leeway, exp, seconds):
    with Board(leeway=leeway) as board:
        stream = board.follow(exp=NOW + (exp or 1000))
        for second in range(1, seconds + 1):
            board.ticks += 1000
            board.unix = NOW + second if exp or second < seconds else None
            board.pins.change("relay", second)  # what always changes does not prolong it
            equal(said(stream)[0], ["end"] if second == seconds else [None])
        equal(board.events._streams, [])


def test_all_end_when_somebody_says_so_and_tell_nothing_more():
    with Board() as board:
        streams = [board.follow(sub="anna"), board.follow(sub="bert")]
        board.pins.change("relay", True)
        board.pins.change("lamp", True)
        next(streams[0])  # amid its events
        board.events.end()
        for stream in streams:
            equal(said(stream), [["end"]])
        equal(board.events._streams, [])
        board.events.end()
        equal(said(board.open(sub="bert"))[0][0], "pins")


def test_one_that_was_never_written_takes_no_place():
    """Its connection was gone, or memory was short, before the first octet."""
    with Board(most=1) as board:
        for _ in range(5):
            board.open()
        equal(said(board.open(sub="bert"))[0][0], "pins")


def test_one_that_is_closed_leaves_its_place():
    with Board(most=1) as board:
        for sub in ("anna", "bert", "carl"):
            board.follow(sub=sub).close()
        equal(board.events._streams, [])


@cases(
    [
        ("each has had no turn yet: nobody", ["anna", "bert"], 59999, "carl", None),
        ("each has had its turn: the oldest", ["anna", "bert"], 60000, "carl", 0),
        ("of one's own the oldest", ["anna", "bert"], 10, "bert", 1),
        ("nobody keeps two from others", ["anna", "anna"], 10, "bert", 0),
        ("nor anybody three", ["bert", "anna", "anna", "carl"], 10, "bert", 0),
        ("who has most goes before who is oldest", ["bert", "anna", "anna", "carl"], 70000, "dora", 1),
        ("one for all, and it is young", ["anna"], 10, "bert", None),
        ("one for all", ["anna"], 60000, "bert", 0),
    ]
)
def test_who_makes_room(owners, age, newcomer, goes):
    with Board(most=len(owners)) as board:
        streams = []
        for sub in owners:
            streams.append(board.follow(sub=sub))
            board.ticks += 1
        board.ticks += age - len(owners)
        new = board.open(sub=newcomer)
        equal(new is None, goes is None)
        if new is not None:
            equal(said(new)[0][0], "pins")
        board.pins.change("relay", True)
        told = [said(stream)[-1] for stream in streams]
        equal([i for i, last in enumerate(told) if last == ["end"]], [] if goes is None else [goes])
        equal(len(board.events._streams), len(owners))


def test_tokens_of_one_person_are_told_apart():
    with Board() as board:
        board.follow(jti="phone")
        board.follow(jti="tablet")
        equal(board.open(jti="third"), None)
        equal(said(board.open(jti="phone"))[0][0], "pins")


def test_two_that_come_at_once_for_one_place():
    with Board(most=1) as board:
        first, second = board.open(sub="anna"), board.open(sub="bert")
        equal(said(first)[0][0], "pins")
        equal(said(second), [["end"]])


def test_a_stream_of_weeks_makes_room():
    """Ticks wrap after 12 days, and compare within 6."""
    for days in (5, 7, 13, 20):
        with Board(most=1) as board:
            board.follow()
            board.ticks = (board.ticks + days * 86400000) & ((1 << 30) - 1)
            assert board.open(sub="bert") is not None, days


def test_a_head_without_a_length():
    with Board() as board:
        grant = Grant({"exp": NOW + 60, "scope": "pins:read"})
        head = board.events.answer(grant, board.describe).head(False)
        lines = str(head, "utf-8").split("\r\n")
        equal(lines[0], "HTTP/1.1 200 OK")
        equal(
            sorted(lines[1:]),
            [
                "",
                "",
                "Cache-Control: no-store",
                "Connection: close",
                "Content-Type: text/event-stream",
                "X-Content-Type-Options: nosniff",
            ],
        )
