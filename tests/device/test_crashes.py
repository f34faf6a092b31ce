"""The record of crashes, as main.py keeps it, or something else."""

import json
import os

from firmware import crashes
from harness import cases, equal

FILE = "test_crashes.json"


def record(text):
    with open(FILE, "w") as file:
        file.write(text)


def test_last():
    record('{"count": 2, "error": "ValueError()", "trace": "Traceback"}')
    equal(crashes.last(FILE), {"count": 2, "last": "ValueError()"})
    record('{"count": 0, "error": null, "trace": ""}')
    equal(crashes.last(FILE), {"count": 0, "last": None})


def test_forget():
    record('{"count": 2, "error": "ValueError()", "trace": "Traceback"}')
    crashes.forget(FILE)
    equal(crashes.last(FILE), {"count": 0, "last": "ValueError()"})
    with open(FILE) as file:
        equal(json.load(file)["trace"], "Traceback")


def test_nothing_is_written_where_nothing_changes():
    text = '{"error": "x", "count": 0, "trace": "", "written": "by hand"}'
    record(text)
    crashes.forget(FILE)
    with open(FILE) as file:
        equal(file.read(), text)
    os.remove(FILE)
    crashes.forget(FILE)
    equal(os.listdir("."), [])


@cases(
    [
        ("empty", ""),
        ("half a record", '{"count": 1, "er'),
        ("no object", "[1]"),
        ("null", "null"),
        ("a count in words", '{"count": "1", "error": "x"}'),
        ("no count", '{"error": "x"}'),
        ("no error", '{"count": 1}'),
    ]
)
def test_garbage_is_no_record(text):
    record(text)
    equal(crashes.last(FILE), None)
    crashes.forget(FILE)
    with open(FILE) as file:
        equal(file.read(), text)
    os.remove(FILE)


def test_no_file_is_no_record():
    equal(crashes.last("there-is-none.json"), None)
