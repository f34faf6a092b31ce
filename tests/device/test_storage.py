"""Files that survive a power cut."""

import errno
import os

import folder_bench
from firmware import storage
from firmware.aside import set_aside
from harness import cases, equal, raises

FOLDER = "test_storage_files"
FILE = FOLDER + "/state.json"


in_folder = folder_bench.in_folder(FOLDER)


def left():
    return sorted(os.listdir(FOLDER))


def put(path, data):
    with open(path, "wb") as file:
        file.write(data)


class FakeOs:
    """The module os, in which one function fails."""

    def __init__(self, failing, number):
        self._failing = failing
        self._number = number

    def __getattr__(self, name):
        if name == self._failing:
            return self._fail
        return getattr(os, name)

    def _fail(self, *args):
        raise OSError(self._number, "failed on purpose")


class ShortFile:
    """A file that takes only a part, as a full flash may, or fails at a later step."""

    def __init__(self, path, mode, failing):
        self._file = open(path, mode)
        self._failing = failing

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._file.close()
        if self._failing == "close":
            raise OSError(28, "no room left")

    def write(self, data):
        if self._failing == "write":
            raise OSError(28, "no room left")
        return self._file.write(data[:-1] if self._failing == "short" else data)

    def flush(self):
        if self._failing == "flush":
            raise OSError(28, "no room left")


@in_folder
def test_what_was_written_is_read():
    storage.write_atomic(FILE, b"one")
    equal(storage.read(FILE), b"one")
    storage.write_atomic(FILE, b"")
    equal(storage.read(FILE), b"")
    equal(left(), ["state.json"])


@in_folder
def test_content_may_come_in_pieces():
    storage.write_atomic(FILE, (piece for piece in (b"one, ", b"", b"two")))
    equal(storage.read(FILE), b"one, two")
    storage.write_atomic(FILE, [])
    equal(storage.read(FILE), b"")


def test_no_file_is_none():
    equal(storage.read("there/is/no/such/file"), None)


@in_folder
def test_other_errors_are_told():
    number = raises(OSError, storage.read, FOLDER).errno
    assert number != errno.ENOENT, number


@cases(
    [
        ("no room for the data", "write"),
        ("room for a part of the data", "short"),
        ("no room found out when the buffer is written", "flush"),
        ("no room found out when the file is closed", "close"),
    ]
)
@in_folder
def test_full_flash_leaves_the_old_content_alone(failing):
    storage.write_atomic(FILE, b"old")
    storage.open = lambda path, mode: ShortFile(path, mode, failing)
    try:
        equal(raises(OSError, storage.write_atomic, FILE, b"new").errno, 28)
    finally:
        del storage.open
    equal(storage.read(FILE), b"old")
    equal(left(), ["state.json"])


@in_folder
def test_rename_that_fails_leaves_the_old_content_alone():
    storage.write_atomic(FILE, b"old")
    storage.os = FakeOs("rename", errno.EIO)
    try:
        equal(raises(OSError, storage.write_atomic, FILE, b"new").errno, errno.EIO)
    finally:
        storage.os = os
    equal(storage.read(FILE), b"old")
    equal(left(), ["state.json"])


@in_folder
def test_half_a_temporary_file_of_a_power_cut_does_no_harm():
    storage.write_atomic(FILE, b"old")
    put(FILE + ".new", b"a longer half of the ne")
    equal(storage.read(FILE), b"old")
    storage.write_atomic(FILE, b"newer")
    equal(storage.read(FILE), b"newer")
    equal(left(), ["state.json"])


@in_folder
def test_make_folder_clears_what_power_cuts_left():
    put(FILE, b"old")
    put(FILE + ".new", b"half")
    equal(storage.make_folder(FOLDER), [])
    equal(left(), ["state.json"])
    equal(storage.read(FILE), b"old")


@in_folder
def test_make_folder_tells_what_was_set_aside():
    for name in ("b.json.bad", "a.json", "a.json.bad", "a.json.bad.2", "c.json"):
        put(FOLDER + "/" + name, b"x")
    equal(storage.make_folder(FOLDER), ["a", "b"])


@in_folder
def test_set_aside():
    """The first stays, beside it the newest, and each is told."""
    log = []
    for data in (b"one", b"two", b"three"):
        put(FILE, data)
        set_aside(FILE, "half a file", log.append)
        equal(storage.read(FILE), None)
    equal((storage.read(FILE + ".bad"), storage.read(FILE + ".bad.2")), (b"one", b"three"))
    equal([line[-3:] for line in log], ["now", "now", "one"])
    for line in log:
        assert line.startswith(FILE + " cannot be used: 'half a file'; it is "), line
    set_aside(FILE, "gone", log.append)
    assert "nor be set aside" in log[3], log


def test_missing_folder_is_an_error():
    equal(raises(OSError, storage.write_atomic, "no-such-folder/file", b"x").errno, errno.ENOENT)


@in_folder
def test_load_says_what_whoever_deploys_has_to_do():
    put(FILE, b'{"a": [1]}')
    equal(storage.load(FILE), {"a": [1]})
    put(FILE, b'{"a": [1}')
    error = str(raises(ValueError, storage.load, FILE))
    equal(error.startswith(FILE + ": is not JSON: ") and error.endswith("; deploy it again"), True)
    os.remove(FILE)
    equal(str(raises(ValueError, storage.load, FILE)), FILE + ": is missing; deploy it")
    # A folder cannot be read, whoever asks.
    equal(str(raises(ValueError, storage.load, FOLDER)).startswith(FOLDER + ": cannot be read: "), True)
