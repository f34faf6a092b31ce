"""Memory that ends while a command is carried out: it has not been done, or the request says that it may have
been.
"""

from access_bench import request_of
from api_bench import ALL, JSON, RELAY, Board
from firmware import api as api_module
from harness import cases, equal

COMMANDS = [
    ("set", "PUT", RELAY, b'{"value": true}'),
    ("toggle", "POST", RELAY + "/toggle", b"{}"),
    ("pulse", "POST", RELAY + "/pulse", b'{"ms": 300}'),
]


def no_memory(*what):
    raise MemoryError


def carry_out(board, method, path, body):
    """Have memory end somewhere; return whether the request says that it may have been done."""
    request = request_of(method, path, JSON, "Authorization: Bearer " + ALL, body=body)
    try:
        board.api.handle(request)
    except MemoryError:
        return request.is_begun
    raise AssertionError("there was memory enough")


class Short:
    """Something that memory is too short for so many times, and then does `what`."""

    def __init__(self, times, what):
        self.times = times
        self.what = what

    def __call__(self, *given):
        if self.times:
            self.times -= 1
            raise MemoryError
        return self.what(*given)


READS = [("all pins", "GET", "/api/v1/pins", b""), ("one", "GET", RELAY, b"")]
AGAIN = [(case[0], 1) + case[1:] for case in READS + COMMANDS]
AGAIN += [(case[0] + ", in vain", 2) + case[1:] for case in READS + COMMANDS]


@cases(AGAIN)
def test_what_has_not_begun_is_made_again(times, method, path, body):
    """With what is only remembered forgotten: of that there may be enough, in pieces that are too small."""
    board = Board()
    pins, forgotten = board.bench.pins, []
    board.api._access.forget = lambda: forgotten.append(board.moved())
    request = request_of(method, path, JSON, "Authorization: Bearer " + ALL, body=body)
    status = None
    try:
        if method == "GET":
            pins.describe = Short(times, pins.describe)
        else:
            api_module.bytearray = Short(times, bytearray)
        status = board.api.handle(request).status
    except MemoryError:
        pass
    finally:
        if method != "GET":
            del api_module.bytearray
    equal(status, 200 if times == 1 else None)
    equal(forgotten, [False])
    equal((board.moved(), request.is_begun), (times == 1 and method != "GET",) * 2)


@cases(COMMANDS)
def test_no_pin_moves_where_there_may_be_no_room_for_the_answer(method, path, body):
    board = Board()
    try:
        api_module.bytearray = no_memory
        equal(carry_out(board, method, path, body), False)
    finally:
        del api_module.bytearray
    assert not board.moved()


@cases(COMMANDS)
def test_a_move_that_is_not_answered(method, path, body):
    board = Board()
    board.bench.pins.describe = no_memory
    equal(carry_out(board, method, path, body), True)
    assert board.moved()


@cases(COMMANDS)
def test_a_move_in_whose_midst_it_ends(method, path, body):
    board = Board()
    board.bench.pins._note = no_memory
    equal(carry_out(board, method, path, body), True)
    assert board.moved()


@cases(COMMANDS)
def test_what_is_refused_has_not_begun(method, path, body):
    request = request_of(method, path, JSON, body=body)
    equal((Board().api.handle(request).status, request.is_begun), (401, False))


@cases([("a good token", ALL, True), ("a bad one", "x.y.z", False)])
def test_whose_memory_it_was_that_ended(value, is_proven):
    board = Board()
    request = request_of("PUT", RELAY, JSON, "Authorization: Bearer " + value, body=b'{"value": true}')
    board.api.handle(request)
    equal(request.is_proven, is_proven)
