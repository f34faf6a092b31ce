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
