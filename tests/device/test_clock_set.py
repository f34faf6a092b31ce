"""PUT /api/v1/clock: an administrator tells a board the time, by a signed request and by nothing else."""

import json

import clock_bench
from access_bench import NOW, OTHER_KEY, access_of, request_of, signed, token
from api_bench import JSON, code_of, page
from firmware import clock_set, storage, timekeeping
from firmware.api import Api
from firmware.clock import BUILD_DATE
from harness import cases, equal
from pin_bench import Bench
from secrets_bench import FOLDER, Flash, content, in_folder, left

PATH = FOLDER + "/clock.json"
CLOCK = "/api/v1/clock"
ADMIN = token("admin", cnf={"pinwarden": "proof"})
HOUR = 3600


class Board:
    """The interface over a clock; its RTC reads 2000, or `rtc`."""

    def __init__(self, rtc=None, *revoked):
        self.board = clock_bench.Board(rtc)
        self.clock = clock_bench.clock_of(self.board, *(timekeeping.load(PATH) or (0, 0, 0)))
        pins = Bench(relay={}).pins
        access = access_of(self.clock, *revoked)
        self.revocations = access.revocations
        self.api = Api(access, pins, self.clock, dict, page, self.administer)
        self.asked = 0

    def administer(self, request, grant, parts):
        equal(parts, ["clock"])
        return clock_set.answer(request, self.clock, PATH)

    def tell(self, now=NOW, value=ADMIN, created=None, body=None):
        """The answer to who tells it that it is `now`."""
        self.asked += 1
        body = json.dumps({"now": now}).encode() if body is None else body
        own = "own-%05d" % self.asked
        created = created or (now if type(now) is int and 10**9 < now < 10**10 else NOW)
        fields = signed(value, "PUT", CLOCK, own, created, body=body)
        return self.api.handle(request_of("PUT", CLOCK, JSON, *fields, body=body))


@in_folder
def test_tells_a_board_that_does_not_know():
    board = Board()
    answer = board.tell()
    equal((answer.status, json.loads(answer.body)), (200, {"set": True, "source": "manual", "now": NOW}))
    equal((answer.subject, answer.stranger), ("anna", False))
    equal(board.clock.now(), NOW)
    equal(board.clock.certain(), NOW)
    kept = content(PATH)
    equal((kept["iat"], kept["mark"], kept["ahead"]), (0, NOW - 300, 0))


@in_folder
def test_sets_right_what_one_server_has_said():
    """Ahead: tokens of today have expired by it, the administrator's own among them."""
    board = Board(NOW - HOUR)
    board.clock.set(NOW + 20 * HOUR, "ntp", False)
    equal(board.tell().status, 200)
    equal(board.clock.now(), NOW)


@in_folder
def test_revocation_is_judged_by_the_time_that_is_told():
    """As the token itself is: by the board's own it may have been forgotten."""
    board = Board(NOW - HOUR)
    equal(board.tell(NOW).status, 200)
    equal(board.revocations.times, [NOW])


@cases(
    [
        ("a bearer", "Bearer " + ADMIN, 401, "bearer_disabled"),
        ("a bearer that may be one", "Bearer " + token("admin"), 401, "bearer_disabled"),
        ("nobody", "", 401, "missing_token"),
    ]
)
@in_folder
def test_takes_no_word_unsigned(value, status, code):
    for rtc in (None, NOW):
        board = Board(rtc)
        fields = [JSON] + (["Authorization: " + value] if value else [])
        answer = board.api.handle(request_of("PUT", CLOCK, *fields, body=b'{"now": %d}' % NOW))
        equal(code_of(answer), (status, code))
        equal(board.board.dates, [])
        equal(answer.stranger, True)


@cases(
    [
        ("a scope that is not admin", token("pins:write"), 403, "insufficient_scope"),
        ("another key", token("admin", key=OTHER_KEY), 401, "invalid_token"),
        ("a token that was revoked", token("admin", jti="lost"), 401, "invalid_token"),
        ("a token that had expired by then", token("admin", exp=NOW), 401, "invalid_token"),
        ("a token that was not made by then", token("admin", iat=NOW + 1), 401, "invalid_token"),
        ("a token for later", token("admin", nbf=NOW + 1), 401, "invalid_token"),
    ]
)
@in_folder
def test_refuses(value, status, code):
    for rtc in (None, NOW - HOUR):
        board = Board(rtc, "lost")
        answer = board.tell(value=value)
        equal(code_of(answer), (status, code))
        equal(answer.stranger, True)
        equal(board.board.dates, [])
        equal(left(), [])


@in_folder
def test_a_recording_is_good_for_nothing():
    board = Board()
    equal(board.tell().status, 200)
    board.board.passes(HOUR)
    board.asked -= 1
    equal(code_of(board.tell()), (401, "replayed"))
    equal(board.clock.now(), NOW + HOUR)


@in_folder
def test_a_signature_of_another_time_tells_none():
    for created in (NOW - 301, NOW + 301):
        board = Board()
        equal(code_of(board.tell(created=created)), (401, "created_out_of_window"))
        equal(board.clock.now(), None)


@cases(
    [
        ("no body", b"", "the body takes now"),
        ("no now", b"{}", "the body takes now"),
        ("a float", b'{"now": 1793491200.0}', "the body takes now"),
        ("a bool", b'{"now": true}', "the body takes now"),
        ("null", b'{"now": null}', "the body takes now"),
        ("a text", b'{"now": "1793491200"}', "the body takes now"),
        ("a list", b"[1793491200]", "the body is not an object"),
        ("more than a time takes", b'{"now": 1793491200}' + b" " * 46, "the body takes now"),
        ("lists, for which there may be no room", b'{"a":[' + b",".join([b"[]"] * 680) + b"]}", "body takes"),
        ("a second member", b'{"now": 1793491200, "source": "ntp"}', "the body takes now"),
    ]
)
@in_folder
def test_bodies(body, part):
    board = Board()
    answer = board.tell(body=body)
    equal(code_of(answer), (422, "bad_value"))
    equal(answer.stranger, True)
    assert part in json.loads(answer.body)["detail"], answer.body
    equal(board.board.dates, [])


@cases(
    [
        ("before this firmware was made", BUILD_DATE - 1),
        ("in the year 2100", 4102444800),
        ("in a year that nobody can write", 10**15),
        ("before the mark", NOW - 301),
    ]
)
@in_folder
def test_times_that_cannot_be(now):
    """An old token that has leaked, and was good then, does not make it then."""
    equal(Board().tell().status, 200)
    board = Board()
    old = token("admin", iat=None, exp=now + HOUR)
    answer = board.tell(now, old, now if 10**9 < now < 10**10 else None)
    assert code_of(answer) in ((422, "bad_value"), (401, "created_out_of_window")), answer.body
    equal(answer.stranger, True)
    equal(board.board.dates, [])
    equal(content(PATH)["mark"], NOW - 300)


@in_folder
def test_a_full_flash_keeps_nobody_from_telling_the_time():
    board = Board()
    Flash(0)
    equal(board.tell().status, 200)
    equal(board.clock.now(), NOW)
    storage.open = open
    equal(left(), [])


@in_folder
def test_only_put():
    for method in ("GET", "POST", "DELETE", "PATCH"):
        answer = Board().api.handle(request_of(method, CLOCK))
        equal(code_of(answer), (405, "method_not_allowed"))


@in_folder
def test_health_tells_why():
    board = Board()

    def health():
        answer = board.api.handle(request_of("GET", "/healthz"))
        return answer.status, json.loads(answer.body)

    equal(health(), (503, {"status": "clock_unset", "detail": "the board has not been told the time yet"}))
    timekeeping.sync(board.clock, (), HOUR, [], 0)
    equal(health(), (503, {"status": "clock_unset", "detail": "no time server is set"}))
    board.tell()
    equal(health(), (200, {"status": "ok"}))
