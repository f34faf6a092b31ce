"""slots.py: which version starts, on trial or proven, whatever the file that says it holds."""

import json
import os
import sys

import slots
from harness import cases, equal, raises

HERE = os.getcwd()
FLAT = {"slot": None, "previous": None, "trial": 0, "note": None}


class Board:
    """A root folder with whole versions in these slots, and this /slot.json, or none."""

    made = 0

    def __init__(self, whole="ab", file=None, flat=False):
        Board.made += 1
        root = "%s/board%d" % (HERE, Board.made)
        for folder in ("", "/a", "/b", "/lib", "/a/lib", "/b/lib"):
            os.mkdir(root + folder)
        if flat:
            os.mkdir(root + "/firmware")
        for slot in whole:
            with open(root + "/" + slot + "/version.json", "w") as version:
                version.write(json.dumps({"build": "build-" + slot, "files": {}}))
        slots.ROOT = root
        if file is not None:
            with open(root + "/slot.json", "w") as out:
                out.write(file if type(file) is str else json.dumps(file))

    def file(self):
        with open(slots.ROOT + "/slot.json") as file:
            return json.load(file)


def active(slot, previous=None, trial=0, note=None):
    return {"slot": slot, "previous": previous, "trial": trial, "note": note}


@cases(
    [
        ("all is as it was written", active("b", "a", 2, "why"), active("b", "a", 2, "why")),
        ("none before it", active("a"), active("a")),
        ("a slot cannot be before itself", active("a", "a", 1), active("a", None, 1)),
        ("an unknown slot before it is none", active("a", "c"), active("a")),
        ("a trial is a number", active("a", "b", "2"), active("a", "b")),
        ("and no bool", active("a", "b", True), active("a", "b")),
        ("nor negative", active("a", "b", -1), active("a", "b")),
        ("a note is text", active("a", "b", 0, ["x"]), active("a", "b")),
    ]
)
def test_state(file, expected):
    Board(file=file)
    equal(slots.state(), expected)


@cases(
    [
        ("no file", None),
        ("an empty one", ""),
        ("half of one", '{"slot": "a", "prev'),
        ("no object", "[1]"),
        ("a member is missing", '{"slot": "a", "previous": null}'),
        ("no slot", '{"slot": null, "previous": null, "trial": 0, "note": null}'),
        ("a path", '{"slot": "../a", "previous": null, "trial": 0, "note": null}'),
        ("a list", '{"slot": ["a"], "previous": null, "trial": 0, "note": null}'),
        ("bytes that are no text", "\x00\x01\x02"),
    ]
)
def test_what_starts_where_the_file_does_not_tell(file):
    Board(file=file, flat=True)
    equal(slots.state(), FLAT)
    Board(file=file)
    equal(slots.state(), active("a"))
    Board(whole="b", file=file)
    equal(slots.state(), active("b"))
    Board(whole="", file=file)
    equal(slots.state(), FLAT)


@cases(
    [
        ("the one before it starts", active("b", "a", 2), "a", False, "a"),
        ("not half a one", active("b", "c"), "", True, None),
        ("what is there starts", active("b"), "a", False, "a"),
        ("the root's, if that is one", active("b"), "a", True, None),
        ("the proven one rather than the root's", active("b", "a", 1), "a", True, "a"),
    ]
)
def test_a_folder_that_holds_no_version(file, whole, flat, expected):
    """It is gone, or emptied: a start of it would fail for ever."""
    saved = sys.path[:]
    board = Board(whole=whole, file=file, flat=flat)
    os.rmdir(slots.ROOT + "/b/lib")
    for _ in range(2):
        equal(slots.state(), active(expected, note="/b holds no version"))
        try:
            slots.enter()
            equal(os.getcwd(), slots.folder(expected))
        finally:
            sys.path[:] = saved
            os.chdir(HERE)
        os.rmdir(slots.ROOT + "/b")
        os.mkdir(slots.ROOT + "/b")
    os.rmdir(slots.ROOT + "/b")
    equal(slots.state(), active(expected, note="/b holds no version"))
    equal(slots.judge({"count": 0, "error": None, "trace": ""}, None, False, False), None)
    if expected:
        equal(board.file(), active(expected, note="/b holds no version"))
    equal(slots.state(), active(expected, note="/b holds no version"))


def test_a_version_without_its_list_of_files_starts_all_the_same():
    """If it is what is active: somebody may have edited it in place."""
    Board(whole="a", file=active("b", "a"))
    os.mkdir(slots.ROOT + "/b/firmware")
    equal(slots.state(), active("b", "a"))


def test_what_cannot_be_read_is_set_aside():
    """The first of it and the newest; app.py finds it there, and /healthz tells."""
    for text in ("half", "", '["slot"]'):
        board = Board(file=text)
        os.mkdir(slots.ROOT + "/state")
        for path in ("/state/crash.json", "/state/crash.json.bad"):
            with open(slots.ROOT + path, "w") as file:
                file.write(text + path)
        equal(slots.judge({"count": 0, "error": None, "trace": ""}, None, False, False), None)
        left = ["crash.json.bad", "crash.json.bad.2", "slot.json.bad"]
        equal(sorted(os.listdir(slots.ROOT + "/state")), left)
        with open(slots.ROOT + "/state/slot.json.bad") as file:
            equal(file.read(), text)
        with open(slots.ROOT + "/state/crash.json.bad") as file:
            equal(file.read(), text + "/state/crash.json.bad")
        equal(slots.state(), active("a"))
        slots.switch("b")
        equal(board.file(), active("b", "a", 1))


def test_what_can_be_read_stays():
    board = Board(file=active("b", "a", 0, "x"))
    slots.judge({"count": 0, "error": None, "trace": ""}, None, False, False)
    equal(board.file(), active("b", "a", 0, "x"))
    assert "state" not in os.listdir(slots.ROOT)


def test_enter():
    saved = sys.path[:]
    try:
        Board(file=active("a"))
        root = slots.ROOT
        sys.path[:] = ["", ".frozen", root + "/lib"]
        slots.enter()
        equal((os.getcwd(), sys.path), (root + "/a", ["", ".frozen", root + "/a/lib"]))
        slots.enter()
        equal((os.getcwd(), sys.path), (root + "/a", ["", ".frozen", root + "/a/lib"]))
        slots.switch("b")
        slots.enter()
        equal((os.getcwd(), sys.path), (root + "/b", ["", ".frozen", root + "/b/lib"]))
        os.remove(root + "/slot.json")
        os.mkdir(root + "/firmware")
        slots.enter()
        equal((os.getcwd(), sys.path), (root, ["", ".frozen", root + "/lib"]))
    finally:
        sys.path[:] = saved
        os.chdir(HERE)


@cases(
    [
        ("the other slot, on trial", active("a", None, 0, "x"), "b", True, active("b", "a", 1)),
        ("without a trial", active("a"), "b", False, active("b", "a", 0)),
        ("the same slot has none before it", active("a", "b", 0), "a", True, active("a", None, 1)),
        ("nor has the first one", None, "a", True, active("a", None, 1)),
    ]
)
def test_switch(file, slot, trial, expected):
    board = Board(file=file, flat=True)
    slots.switch(slot, trial)
    equal(board.file(), expected)
    equal(slots.state(), expected)
    equal([name for name in os.listdir(slots.ROOT) if name.endswith(".new")], [])


@cases(
    [
        ("a slot without version.json is no whole version", "b"),
        ("there is no such slot", "c"),
        ("nor the root", ""),
        ("nor a path", "b/../b"),
        ("nor none", None),
    ]
)
def test_switch_refuses(slot):
    board = Board(whole="a", file=active("a"))
    raises(ValueError, slots.switch, slot)
    equal(board.file(), active("a"))


@cases(
    [
        ("a proven version", active("b", "a"), "ab", False),
        ("before its first start", active("b", "a", 1), "ab", True),
        ("later", active("b", "a", 4), "ab", True),
        ("nothing to go back to", active("b", None, 1), "ab", False),
        ("half a version is nothing", active("b", "a", 1), "b", False),
        ("the root", None, "", False),
    ]
)
def test_is_on_trial(file, whole, expected):
    Board(whole=whole, file=file)
    equal(slots.is_on_trial(), expected)


def test_a_trial_that_is_confirmed():
    board = Board(file=active("a"))
    slots.switch("b")
    equal(slots.begin(None), None)
    equal(board.file(), active("b", "a", 2))
    slots.confirm()
    equal(board.file(), active("b", "a"))
    slots.confirm()
    equal(slots.state(), active("b", "a"))


def test_three_starts_and_no_more():
    board = Board(file=active("b", "a", 1))
    for trial in (2, 3, 4):
        equal(slots.begin(None), None)
        equal(board.file(), active("b", "a", trial))
    equal(slots.begin(None), "not healthy after 3 starts")
    equal(board.file(), active("a", None, 0, "build-b: not healthy after 3 starts"))


def test_a_start_that_a_person_stopped_does_not_count():
    board = Board(file=active("b", "a", 1))
    for _ in range(9):
        equal(slots.begin(None), None)
        slots.begin_again()
        equal(board.file(), active("b", "a", 1))
    slots.confirm()
    slots.begin_again()
    equal(slots.state(), active("b", "a"))


def test_a_failure_goes_back():
    board = Board(file=active("b", "a", 2))
    equal(slots.begin("a fault"), "a fault")
    equal(board.file(), active("a", None, 0, "build-b: a fault"))


@cases(
    [
        ("it has none", active("a"), "ab"),
        ("it is no whole one", active("b", "a"), "b"),
        ("the root is the version", None, ""),
    ]
)
def test_there_is_no_way_back(file, whole):
    Board(whole=whole, file=file)
    before = slots.state()
    equal(slots.rollback("a fault"), False)
    equal(slots.begin("a fault"), None)
    equal(slots.state(), before)


def test_rollback_of_a_version_that_names_no_build():
    board = Board(file=active("b", "a"))
    with open(slots.ROOT + "/b/version.json", "w") as file:
        file.write("half a")
    equal(slots.rollback("why"), True)
    equal(board.file()["note"], "an unknown build: why")
    equal(slots.rollback("why"), False)


def test_it_does_without_the_firmware():
    with open(slots.__file__) as file:
        lines = [line.strip() for line in file]
    imports = [line for line in lines if line.startswith(("import ", "from "))]
    equal(imports, ["import json", "import os", "import sys"])
