"""Shorter names in the board's bytecode: a name costs the board some 20 octets, for ever.

MicroPython keeps each name of each program that it ever loads in tables that double in size. A third of ours
are nobody's business but that of the module that they stand in: what begins with an underscore, and
parameters that no call names. `_connect` and `_look` of wifi.py become `_a` and `_b`, and so do two names of
each other module; a parameter that no call names becomes `_`. bytecode.py writes them.

What another module uses stays: so a source that is put beside the bytecode for a trial works with it. Names
in strings (getattr, hasattr) stay, and those with double underscores.
"""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pinwarden.bytecode import Table

_UNNAMED = "_"  # of parameters; MicroPython has this one in ROM
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_OWN = ("self", "cls")


def tables(modules: Mapping[str, str], callers: Iterable[str] = ()) -> dict[str, Table]:
    """The new names for each of `modules` (source texts by any key), under the same keys.

    `callers` are the sources of all else that runs beside them and is not renamed. The same sources make the
    same tables. Raises SyntaxError.
    """
    seen = {key: _Module(source) for key, source in modules.items()}
    everything = [*seen.values(), *(_Module(source) for source in callers)]
    strings = set().union(*(module.strings for module in everything))
    keywords = set().union(*(module.keywords for module in everything))
    made: dict[str, Table] = {}
    for family in _families(list(seen.values())):
        defined = set().union(*(module.defined for module in family))
        ours = {
            name
            for name in defined - strings
            if not any(_shared(name, module, other) for module in family for other in everything)
        }
        taken = set().union(*(module.private for module in family)) - ours
        short = dict(zip(sorted(ours), (new for new in _short_names() if new not in taken), strict=False))
        for key, module in seen.items():
            if module in family:
                unnamed = dict.fromkeys(module.parameters - module.others - strings - keywords, _UNNAMED)
                private = {name: short[name] for name in module.private & short.keys()}
                made[key] = dict(sorted({**unnamed, **private}.items()))
    return made


@dataclass(eq=False)
class _Module:
    """What a source says of its names."""

    source: str
    strings: set[str] = field(default_factory=set)
    keywords: set[str] = field(default_factory=set)  # of calls
    parameters: set[str] = field(default_factory=set)  # that must be given, and need no name for it
    private: set[str] = field(default_factory=set)
    defined: set[str] = field(default_factory=set)  # the private ones that are its own
    looked_up: set[str] = field(default_factory=set)  # private ones of what may be another module's
    classes: set[str] = field(default_factory=set)
    bases: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)  # names that are more than a variable of a function

    def __post_init__(self) -> None:
        tree = ast.parse(self.source)
        for node in ast.walk(tree):
            self._see(node)
        consts = _consts(tree)
        for name in _bound(tree.body):
            if name not in consts:
                self._define(name)
            self.others.add(name)
        self.others |= _free(symtable.symtable(self.source, "", "exec"))
        self.private -= consts - self.defined
        self.looked_up |= self.private - self.defined

    def _see(self, node: ast.AST) -> None:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            self.strings.add(node.value)
        elif isinstance(node, ast.Attribute):
            self.others.add(node.attr)
            own = isinstance(node.value, ast.Name) and node.value.id in _OWN
            if is_private(node.attr):
                self.private.add(node.attr)
                if not own:
                    self.looked_up.add(node.attr)
            if own and not isinstance(node.ctx, ast.Load):
                self._define(node.attr)
        elif isinstance(node, ast.keyword) and node.arg:
            self.keywords.add(node.arg)
            if is_private(node.arg):
                self.private.add(node.arg)
                self.looked_up.add(node.arg)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            self._define(node.name)
            self.others.add(node.name)
            if isinstance(node, ast.ClassDef):
                self._see_class(node)
        elif isinstance(node, ast.arguments):
            self._see_parameters(node)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            self._see_import(node)
        elif isinstance(node, ast.Global):
            self.others |= set(node.names)
        elif isinstance(node, ast.Name) and is_private(node.id):
            self.private.add(node.id)

    def _see_class(self, node: ast.ClassDef) -> None:
        self.classes.add(node.name)
        self.bases |= {
            part.id for base in node.bases for part in ast.walk(base) if isinstance(part, ast.Name)
        }
        self.bases |= {base.attr for base in node.bases if isinstance(base, ast.Attribute)}
        for name in _bound(node.body):
            self._define(name)
            self.others.add(name)

    def _see_parameters(self, node: ast.arguments) -> None:
        positional = [argument.arg for argument in (*node.posonlyargs, *node.args)]
        required = positional[: len(positional) - len(node.defaults)]
        self.parameters |= {name for name in required if not name.startswith("_")}
        # With a default it may be named by a person at the REPL: these stay.
        named = [*positional[len(required) :], *(argument.arg for argument in node.kwonlyargs)]
        named += [argument.arg for argument in (node.vararg, node.kwarg) if argument]
        self.others |= set(named)
        for name in (*positional, *named):
            self._define(name)

    def _see_import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            parts = alias.name.split(".")
            self.others |= {*parts, alias.asname or parts[0]}
            self.private |= {part for part in parts if is_private(part)}
            if alias.asname:
                self._define(alias.asname)
        if isinstance(node, ast.ImportFrom) and node.module:
            self.others |= set(node.module.split("."))

    def _define(self, name: str) -> None:
        if is_private(name):
            self.private.add(name)
            self.defined.add(name)


def is_private(name: str) -> bool:
    """Whether a name is nobody's business but that of its module."""
    return name.startswith("_") and not name.startswith("__") and name != _UNNAMED


def _consts(tree: ast.Module) -> set[str]:
    """The private constants of a module: they are not in the bytecode."""
    return {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
        if isinstance(node.value.func, ast.Name) and node.value.func.id == "const"
        for target in node.targets
        if isinstance(target, ast.Name) and is_private(target.id)
    }


def _free(scope: symtable.SymbolTable) -> set[str]:
    """The names that functions take from the module or from the runtime."""
    found = {symbol.get_name() for symbol in scope.get_symbols() if symbol.is_global()}
    return found.union(*(_free(inner) for inner in scope.get_children()))


def _bound(body: Iterable[ast.stmt]) -> Iterator[str]:
    """The names that statements bind outside of the functions and classes among them."""
    for statement in body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield statement.name
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id
            elif isinstance(node, ast.ExceptHandler) and node.name:
                yield node.name


def _shared(name: str, module: _Module, other: _Module) -> bool:
    """Whether one of two modules may see the other's private name."""
    if module is other or name not in module.private or name not in other.private:
        return False
    return name in module.looked_up or name in other.looked_up or _inherits(module, other)


def _families(modules: list[_Module]) -> list[list[_Module]]:
    """The modules, those together whose classes inherit from each other: an object may have the names of
    all of them.
    """
    families: list[list[_Module]] = []
    for module in modules:
        related = [family for family in families if any(_inherits(module, other) for other in family)]
        families = [family for family in families if family not in related]
        families.append([module, *(other for family in related for other in family)])
    return families


def _inherits(one: _Module, other: _Module) -> bool:
    return bool(one.bases & other.classes or other.bases & one.classes)


def _short_names() -> Iterator[str]:
    yield from ("_" + first + second for first in ("", *_LETTERS) for second in _LETTERS)
