"""The mutants of a module, as mutmut makes them, each as the whole text of the module.

mutmut's own runner puts all mutants of a function behind a trampoline that imports mutmut, which no board
does: the device tests run in a process of their own, among stand-ins for the board's modules. So only the
making is mutmut's, and that of constants comes for free.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import libcst
from explained import squeezed
from libcst.metadata import MetadataWrapper, WhitespaceInclusivePositionProvider
from mutmut.mutation.file_mutation import create_mutations


@dataclass(frozen=True)
class Mutant:
    """One change of a module. `key` names it: it holds as long as the line and its function stay."""

    function: str  # "Verifier.verify", or "" for the module's own lines
    change: str  # the line, with «what was → what is» in it
    line: int
    text: str

    @property
    def key(self) -> str:
        return f"`{self.place}`: `{self.change}`"

    @property
    def place(self) -> str:
        """Where it is, as tests/mutants.md says it."""
        return self.function or "(module)"


def mutants(source: Path) -> list[Mutant]:
    """All mutants of the file `source`, but for those of texts for people."""
    text = source.read_text("utf-8")
    functions = _functions(ast.parse(text))
    tree = ast.dump(ast.parse(text))
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    module, mutations, _classes, _names = create_mutations(str(source), text)
    # Where a node begins and ends with its own brackets and blanks. The mutations refer to this tree's nodes.
    places = MetadataWrapper(module, unsafe_skip_copy=True).resolve(WhitespaceInclusivePositionProvider)
    found: dict[str, Mutant] = {}
    seen: set[str] = {text}
    for mutation in mutations:
        if _is_wording(mutation.original_node):
            continue
        place = places[mutation.original_node]
        start = starts[place.start.line - 1] + place.start.column
        end = starts[place.end.line - 1] + place.end.column
        was = module.code_for_node(mutation.original_node)
        assert squeezed(was) == squeezed(text[start:end]), (was, text[start:end])
        changed = text[:start] + module.code_for_node(mutation.mutated_node) + text[end:]
        if changed in seen:
            continue
        seen.add(changed)
        try:
            if ast.dump(ast.parse(changed)) == tree:
                continue  # nothing but blanks or brackets
        except SyntaxError:
            continue
        line, change = _change(text, changed)
        function = _function_at(functions, line)
        mutant = Mutant(function, change, line, changed)
        while mutant.key in found:  # the same line twice in one function
            mutant = Mutant(function, mutant.change + " (again)", line, changed)
        found[mutant.key] = mutant
    return sorted(found.values(), key=lambda mutant: mutant.line)


def _is_wording(node: libcst.CSTNode) -> bool:
    """A text with a blank and a letter in it is for people: no test nails its words."""
    return (
        isinstance(node, libcst.SimpleString)
        and isinstance(node.evaluated_value, str)
        and re.search(r"[a-z].* |\s.*[a-z]", node.evaluated_value) is not None
    )


def _functions(tree: ast.AST, outer: str = "") -> Iterator[tuple[int, int, str]]:
    """(first line, last line, dotted name) of each function and class, outer ones first."""
    found = []
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{outer}.{node.name}" if outer else node.name
            found.append((node.lineno, node.end_lineno or node.lineno, name))
            found += _functions(node, name)
        else:
            found += _functions(node, outer)
    return found  # type: ignore[return-value]


def _function_at(functions: list[tuple[int, int, str]], line: int) -> str:
    inside = [name for first, last, name in functions if first <= line <= last]
    return inside[-1] if inside else ""


def _change(old: str, new: str) -> tuple[int, str]:
    """(number of the first line that differs, that line or lines with «what was → what is» in it)."""
    before, after = old.splitlines(), new.splitlines()
    start = _alike(before, after)
    end = _alike(before[start:][::-1], after[start:][::-1])
    was = _words(squeezed(" ".join(before[start : len(before) - end])))
    now = _words(squeezed(" ".join(after[start : len(after) - end])))
    left = _alike(was, now)
    right = _alike(was[left:][::-1], now[left:][::-1])
    whole = len(was) - right
    change = f"{''.join(was[left:whole])} → {''.join(now[left : len(now) - right])}"
    return start + 1, f"{''.join(was[:left])}«{change}»{''.join(was[whole:])}"


def _alike(one: list[str], other: list[str]) -> int:
    """How many of both are the same from the beginning."""
    count = 0
    while count < min(len(one), len(other)) and one[count] == other[count]:
        count += 1
    return count


def _words(line: str) -> list[str]:
    return re.findall(r"\w+|\s+|[^\w\s]", line)
