"""What a device test may use, on CPython and on MicroPython alike.

A device test is a plain module with functions named `test_…` (async ones too) that use `assert` and the
helpers below: the board has no pytest and its functions take no attributes, so there are no fixtures and no
marks. `run.py` runs such a module.

    from harness import cases, equal, raises

    @cases([
        ("a comma after the last member is not JSON", '{"a":1,}'),
        ("a number has no leading zero", "01"),
    ])
    def test_refuses(text):
        raises(JSONError, loads, text)
"""

import json


class Cases:
    """A test function with its rows: one test for each row."""

    def __init__(self, function, rows):
        self.function = function
        self.rows = [tuple(row) for row in rows]
        if not self.rows:
            raise ValueError("a table without rows tests nothing")

    def __call__(self, *args):
        return self.function(*args)


def cases(rows):
    """Decorate a test with its table: each row is the case's id (why the case exists), then the arguments."""
    return lambda function: Cases(function, rows)


def equal(got, want):
    """Fail with both values: MicroPython's `assert` names neither."""
    if got != want:
        raise AssertionError(f"got {got!r}, want {want!r}")


def raises(exception, function, *args, code=None, **kwargs):
    """Call `function`; return the `exception` it must raise. With a `code` it is a refusal: that must be its
    `.code`, and its text must say why.
    """
    try:
        value = function(*args, **kwargs)
    except exception as error:
        return _checked(error, code)
    raise AssertionError(f"nothing was raised; the call returned {value!r}")


async def raises_async(exception, awaitable, code=None):
    """The same for an awaitable."""
    try:
        value = await awaitable
    except exception as error:
        return _checked(error, code)
    raise AssertionError(f"nothing was raised; the call returned {value!r}")


def vectors(name):
    """The parsed JSON file `name` of tests/vectors, such as "rfc4231.json" or
    "wycheproof/hmac_sha256_test.json".
    """
    here = __file__.replace("\\", "/").rsplit("/", 1)[0]
    with open(here + "/../vectors/" + name) as file:
        return json.load(file)


def _checked(error, code):
    if code is not None:
        equal(getattr(error, "code", None), code)
        assert " " in str(error), "a refusal without a reason: " + repr(error)
    return error
