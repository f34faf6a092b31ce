"""What of all requests is kept for the audit, and when it is written."""

import gc
import os

from audit_bench import (
    EVENT,
    EVENTS,
    FOLDER,
    NOW,
    REFUSALS,
    Clock,
    Request,
    Response,
    ask,
    audit_of,
    empty,
    in_folder,
    size,
    waiting,
    whole,
    write,
)
from firmware import audit_file, storage
from firmware.audit import Audit, keep_audit
from harness import cases, equal, raises_async

HOUR = 72000  # looks
MINUTE = 1200


@cases(
    [
        ("a command", Response(200, ("set", "relay", True)), 1, 0),
        ("a key, whose answer has no content", Response(204, ("key retired", None, "2026-11")), 1, 0),
        ("what only was asked", Response(200), 0, 0),
        ("a page that has not changed", Response(304), 0, 0),
        ("no token", Response(401, code="missing_token", subject=None), 0, 1),
        ("a bad token", Response(401, None, "invalid_token", None, reason="signature"), 0, 1),
        ("a token for something else", Response(403, code="insufficient_scope"), 0, 1),
        ("a limit of the pin", Response(429, code="too_soon"), 0, 1),
        ("too little memory", Response(503, code="out_of_memory", subject=None), 0, 1),
    ]
)
def test_what_is_kept(response, events, refusals):
    audit = Audit(Clock())
    audit.hear(Request(), response)
    equal((audit.count, len(audit.refused)), (events, refusals))


def test_an_event_has_who_what_when_and_by_which_token():
    audit = audit_of(("pulse", "opener", 300))
    equal(waiting(audit), [(NOW, "pulse", "opener", 300, "anna", "j1", "10.0.0.1")])


def test_refusals_are_counted_by_address_and_code():
    audit = Audit(Clock())
    for address, code, subject in (
        ("10.0.0.1", "too_soon", "anna"),
        ("10.0.0.2", "too_soon", "bert"),
        ("10.0.0.1", "interlocked", "anna"),
        ("10.0.0.1", "too_soon", "carl"),
        ("10.0.0.1", "too_soon", None),
    ):
        audit.hear(Request(address), Response(429, None, code, subject))
    equal(
        audit.refused,
        [
            ["10.0.0.1", "too_soon", 3, "carl"],
            ["10.0.0.2", "too_soon", 1, "bert"],
            ["10.0.0.1", "interlocked", 1, "anna"],
        ],
    )


def test_of_a_bad_token_the_reason_is_kept():
    audit = Audit(Clock())
    audit.hear(Request(), Response(401, code="invalid_token", reason="revoked"))
    equal(audit.refused, [["10.0.0.1", "revoked", 1, "anna"]])


def test_a_head_that_could_not_be_read_is_nobodys():
    audit = Audit(Clock())
    audit.hear(None, Response(400, None, "invalid_request", None))
    equal(audit.refused, [[None, "invalid_request", 1, None]])


def test_what_there_is_no_room_for_is_counted():
    audit = audit_of(*[EVENT] * 40)
    equal((audit.count, audit.dropped), (16, 24))


def test_no_memory_for_a_record_is_no_reason_to_answer_otherwise():
    class Forgetful(Clock):
        def now(self):
            raise MemoryError

    audit = Audit(Clock())
    audit.now = Forgetful().now
    audit.hear(Request(), Response(200, ("set", "relay", True)))
    equal((waiting(audit), audit.dropped), ([], 1))


def test_who_looks_at_a_board_that_is_not_well_is_not_refused():
    audit = audit_of()
    audit.hear(Request(), Response(503))  # /healthz, which has no code
    equal(audit.refused, [])


def test_a_name_of_strange_letters_does_not_keep_its_owner_out_of_the_record():
    for sub in ("\U0001f6aa" * 400, "\x01" * 400, "x" * 4000):
        audit = audit_of()
        for _ in range(3):
            audit.hear(Request(), Response(action=("set", "relay", True), subject=sub, token_id=sub))
        equal(audit.count, 3)
        equal([row[3] for row in waiting(audit)], [True] * 3)
        assert waiting(audit)[0][4] == sub[: len(waiting(audit)[0][4])]


@in_folder
def test_who_plays_with_a_lamp_washes_nobody_out():
    audit = audit_of()
    for number in range(430):
        audit.hear(Request(), Response(action=("toggle", "lamp", number % 2 == 1), subject="guest"))
        if number == 300:
            audit.hear(Request(), Response(action=("pulse", "door", None), subject="bert"))
    audit.hear(Request(), Response(action=("revoked", None, "j2")))
    write(audit)
    found = [(record["what"], record["by"], record.get("value")) for record in whole()]
    toggles = [("toggle", "guest", number % 2 == 1) for number in range(5)]
    equal(found, toggles + [("pulse", "bert", None), ("revoked", "anna", "j2"), ("more", "guest", 425)])
    equal(audit.dropped, 0)


def toggles(audit, subject, count, pin="lamp"):
    for number in range(count):
        audit.hear(Request(), Response(action=("toggle", pin, number % 2 == 1), subject=subject))


@in_folder
def test_many_who_play_with_a_lamp_wash_out_nothing_of_the_last_quarter_of_an_hour():
    """At the end of one quarter and at the beginning of the next, twenty of them, and each write is one too
    many for nobody.
    """
    audit = audit_of()
    audit.hear(Request(), Response(action=("pulse", "door", None), subject="thief"))
    for due in (1, 5):
        for _ in range(40):
            for guest in range(20):
                toggles(audit, "guest%d" % guest, 1)
            audit.saved = 15
            write(audit, 1)
        audit.saved = 15
        write(audit, due)
    found = whole()
    equal([record["by"] for record in found[:2]], ["thief", "guest0"])
    assert len(found) <= 55, len(found)
    more = [record for record in found if record["what"] == "more"]
    # Four by name; the others are one together.
    equal([record.get("by") for record in more], ["thief", "guest0", "guest1", "guest2", None][1:])
    equal(sum([record.get("value") for record in more]) + len(found) - len(more), 1601)
    equal(audit.tally, [])


@in_folder
def test_of_commands_that_are_only_counted_the_pins_are_told():
    audit = audit_of()
    toggles(audit, "guest", 9)
    for pin in ("door", "lamp", "a", "door", "b", "c", "d"):
        toggles(audit, "guest", 1, pin)
    told = ask("limit=50", audit)["waiting"][0]
    write(audit)
    record = whole()[-1]
    for name in ("n", "h"):
        del record[name]
    expected = {"t": NOW, "what": "more", "pin": "lamp door a b", "value": 11, "by": "guest"}
    equal((record, told), (expected, expected))


def test_a_subject_of_whom_nothing_waits_has_room_after_a_flood():
    audit = audit_of()
    for guest in ("g1", "g2", "g3"):
        toggles(audit, guest, 5)
    equal((audit.count, audit.dropped), (12, 3))
    toggles(audit, "thief", 2, "door")
    equal([(row[2], row[4]) for row in waiting(audit)][12:], [("door", "thief")])
    # Administration has all of the room.
    audit.hear(Request(), Response(action=EVENT, subject="g1"))
    audit.hear(Request(), Response(action=EVENT, subject="g1"))
    equal((audit.count, audit.dropped), (15, 4))


async def test_the_rest_is_summed_up_after_a_quarter_of_an_hour():
    async def run():
        bench = Bench(audit_of())
        toggles(bench.audit, "guest", 7)
        equal(await bench.run(15 * MINUTE - 1), [(MINUTE, 1)])
        toggles(bench.audit, "guest", 1)
        equal((await bench.run(10 * MINUTE))[1:], [(15 * MINUTE, 4)])
        equal((whole()[-1]["what"], whole()[-1]["value"], bench.audit.tally), ("more", 3, []))
        toggles(bench.audit, "guest", 1)
        await bench.run(2 * MINUTE)
        equal(whole()[-1]["what"], "toggle")

    await in_folder_async(run)


async def test_after_memory_was_short_it_is_tried_again_at_once():
    """Whoever holds the memory for a moment must not have the record blind for a minute."""

    async def run():
        short = [MemoryError()]
        bench = Bench(audit_of(*[EVENT] * 10), fails=lambda: short[0])
        await bench.run(80)
        equal([at for at, due in bench.writes], [1, 31, 61])
        short[0] = None
        await bench.run(40)
        equal((bench.audit.count, len(whole())), (0, 10))
        bench.audit.hear(Request(), Response(401, None, "x", None))
        short[0] = MemoryError()
        await bench.run(MINUTE + 100)
        short[0] = None
        await bench.run(40)
        equal(bench.audit.refused, [])

    await in_folder_async(run)


def test_noise_does_not_hide_who_guesses():
    audit = audit_of()
    for number in range(100):
        audit.hear(Request("10.0.0.%d" % number), Response(404, code="not_found"))
    guess = Request("10.0.0.66", authorization=b"Bearer x")
    for _ in range(5):
        audit.hear(guess, Response(401, None, "invalid_token", None, reason="signature"))
    equal(audit.refused[-2:], [[None, "others", 97, None], ["10.0.0.66", "signature", 5, None]])


def test_noise_with_a_credential_does_not_hide_who_forges():
    """Any credential will do for noise, as from many addresses."""
    audit = audit_of()
    noise = [Request("10.0.0.%d" % number, authorization=b"x") for number in range(100)]
    for request in noise:
        audit.hear(request, Response(401, code="missing_token", subject=None))
    guess = Request("10.0.1.66", authorization=b"Bearer x")
    for request in noise:
        audit.hear(guess, Response(401, None, "invalid_token", None, reason="signature"))
        audit.hear(request, Response(401, None, "invalid_token", None, reason="malformed"))
    equal(len(audit.refused), 7)
    assert ["10.0.1.66", "signature", 100, None] in audit.refused, audit.refused
    equal(audit.refused[-1], [None, "others", 195, None])
    equal(sum([row[2] for row in audit.refused]), 300)


def test_of_many_who_forge_those_are_kept_who_do_it_most():
    audit = audit_of()
    for number in range(600):
        for address in ("10.0.%d.%d" % (number // 256, number % 256), "10.0.9.66"):
            guess = Request(address, authorization=b"Bearer x")
            audit.hear(guess, Response(401, None, "invalid_token", None, reason="signature"))
    equal(len(audit.refused), 7)
    assert ["10.0.9.66", "signature", 600, None] in audit.refused, audit.refused
    equal(sum([row[2] for row in audit.refused]), 1200)


@in_folder
def test_ten_thousand_refusals_take_bounded_room_and_leave_the_record_of_commands_alone():
    audit = audit_of(*[EVENT] * 16)
    write(audit)
    for number in range(10000):
        address = "10.0.%d.%d" % (number // 256 % 4, number % 256)
        refused = Response(401, None, "invalid_token", "x" * 300, reason="code_%d" % number)
        audit.hear(Request(address), refused)
        if number % 100 == 99:
            equal(len(audit.refused), 4)
            equal(sum([row[2] for row in audit.refused]), 100)
            audit.saved = 15
            write(audit, 2)
            equal(audit.refused, [])
    assert size(REFUSALS) <= 2048
    assert size(REFUSALS + ".old") <= 2048
    found = whole()
    equal([record["what"] for record in found[:16]], ["key added"] * 16)
    last = found[-1]
    equal((last["what"], last["code"], last["count"]), ("refused", "others", 97))
    assert "from" not in last


class Bench:
    """The loop, with a clock of its own: what is written when, in looks."""

    def __init__(self, audit, each_look=None, busy=None, fails=None):
        self.audit = audit
        self.each_look = each_look
        self.busy = busy or (lambda within_ms: False)
        self.fails = fails
        self.looks = 0
        self.writes = []  # the look and what was due

    async def sleep_ms(self, ms):
        equal(ms, 50)
        self.looks += 1
        if self.looks > self.until:
            raise StopAsyncIteration
        if self.looks % 500 == 0:
            gc.collect()  # MicroPython looks for room from where the last object of one block was
        if self.each_look:
            self.each_look(self.audit)

    def write(self, due):
        self.writes.append((self.looks, due))
        error = self.fails and self.fails()
        if not error:
            write(self.audit, due)
        return error

    async def run(self, looks):
        self.until = self.looks + looks
        await raises_async(StopAsyncIteration, keep_audit(self.audit, self.write, self.busy, self.sleep_ms))
        self.looks -= 1
        return self.writes


async def in_folder_async(run):
    empty()
    try:
        await run()
    finally:
        empty()


async def test_one_event_is_written_after_a_minute():
    async def run():
        bench = Bench(audit_of(("set", "relay", True)))
        equal(await bench.run(MINUTE - 1), [])
        equal(await bench.run(10), [(MINUTE, 1)])
        equal(await bench.run(3 * MINUTE), [(MINUTE, 1)])

    await in_folder_async(run)


async def test_ten_events_are_written_at_once():
    async def run():
        bench = Bench(audit_of(*[EVENT] * 10))
        equal(await bench.run(10), [(1, 1)])
        equal((waiting(bench.audit), bench.audit.saved), ([], 14))

    await in_folder_async(run)


async def test_refusals_are_written_a_minute_after_the_first_and_ever_more_seldom():
    def happen(audit):
        if bench.looks % 400 == 1:
            audit.hear(None, Response(400, None, "invalid_request"))

    bench = Bench(Audit(Clock()), happen)

    async def run():
        await bench.run(3 * HOUR + 10 * MINUTE)
        equal([at // MINUTE for at, due in bench.writes], [1, 3, 7, 15, 31, 63, 123, 183])
        bench.each_look = None
        await bench.run(HOUR + 55 * MINUTE)  # what was counted last, and quiet for as long
        count = len(bench.writes)
        bench.audit.hear(None, Response(400, None, "invalid_request"))
        equal(await bench.run(MINUTE - 1), bench.writes[:count])
        equal(len(await bench.run(2)), count + 1)

    await in_folder_async(run)


async def test_the_flash_is_written_sixty_times_an_hour_at_most():
    """However much happens: events that are always enough, and refusals of ever new kinds. What is counted
    are the files that are opened to be written.
    """
    bench = Bench(Audit(Clock()))
    opened = []

    def counting(path, mode):
        if mode != "rb":
            opened.append(bench.looks)
        return open(path, mode)

    def happen(audit):
        if bench.looks % 19 == 0:
            audit.hear(Request(), Response(200, EVENT))
            audit.hear(Request("10.0.0.%d" % (bench.looks % 200)), Response(401, None, "x", None))

    async def run():
        bench.each_look = happen
        audit_file.open = counting
        storage.open = counting
        try:
            await bench.run(HOUR + HOUR // 4)
        finally:
            del audit_file.open
            del storage.open
        assert len(opened) > 60
        for start in opened:
            assert len([at for at in opened if start <= at < start + HOUR]) <= 60
        assert len([at for at, due in bench.writes if due == 1]) > 50, "what was done goes first"
        assert max([size(EVENTS), size(EVENTS + ".old")]) <= 8192
        assert max([size(REFUSALS), size(REFUSALS + ".old")]) <= 2048
        records = whole()
        told = sum([record.get("dropped", 0) for record in records if record["what"] == "key added"])
        assert told > 500

    await in_folder_async(run)


async def test_refusals_leave_writes_for_what_is_done():
    async def run():
        audit = Audit(Clock())
        audit.saved = 5
        audit.hear(Request(), Response(401, None, "x", None))
        bench = Bench(audit)
        equal(await bench.run(1500), [])  # a sixth one is saved up after 1600
        audit.hear(Request(), Response(200, ("toggle", "relay", True)))
        equal((await bench.run(99))[:1], [])
        equal([due for _, due in await bench.run(MINUTE)], [2, 1])

    await in_folder_async(run)


async def test_a_full_flash_is_tried_again_each_minute_and_loses_nothing_that_has_room():
    async def run():
        full = [True]
        bench = Bench(audit_of(*[EVENT] * 20), fails=lambda: full[0] and OSError(28))
        await bench.run(5 * MINUTE)
        equal([at // MINUTE for at, due in bench.writes], [0, 1, 2, 3, 4])
        equal((bench.audit.count, bench.audit.dropped), (16, 4))
        full[0] = False
        await bench.run(2 * MINUTE)
        equal((waiting(bench.audit), bench.audit.dropped), ([], 0))
        records = whole()
        equal(len(records), 16)
        equal([record.get("dropped") for record in records], [4] + [None] * 15)

    await in_folder_async(run)


async def test_a_write_waits_for_a_pin_that_is_about_to_change_but_not_for_ever():
    async def run():
        busy = [True]
        bench = Bench(audit_of(*[EVENT] * 10), busy=lambda within_ms: busy[0])
        equal(await bench.run(50), [])
        busy[0] = False
        equal(await bench.run(1), [(51, 1)])
        busy[0] = True
        for _ in range(10):
            bench.audit.note(EVENT)
        equal(await bench.run(200), [(51, 1), (152, 1)])

    await in_folder_async(run)


async def test_the_clock_that_is_set_is_an_event():
    async def run():
        clock = Clock(None)
        audit = Audit(clock)
        bench = Bench(audit)
        await bench.run(3)
        equal(waiting(audit), [])
        clock.set(NOW)
        await bench.run(3)
        equal(waiting(audit), [(NOW, "clock", None, "ntp", None, None, None)])
        # An administrator sets it: that is one event, not two.
        clock.set(NOW + 9)
        audit.hear(Request(), Response(200, ("clock", None, NOW + 9)))
        await bench.run(3)
        equal(waiting(audit)[1:], [(NOW + 9, "clock", None, NOW + 9, "anna", "j1", "10.0.0.1")])

    await in_folder_async(run)


@in_folder
def test_the_folder_is_made():
    write(audit_of(("set", "relay", True)))
    equal(sorted(os.listdir(FOLDER)), ["events"])
