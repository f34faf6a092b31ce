"""The surviving mutants that tests/mutants.md explains: each is of a line that is still there. (That nobody
notices them, and that there are no others, is what `make mutants` finds out.)
"""

import ast
from pathlib import Path

import pytest

from mutation import explained

ROOT = Path(__file__).parents[2]


def functions(tree: ast.AST, text: str, outer: str = "") -> dict[str, str]:
    """The text of each function and class, by its dotted name."""
    found = {}
    for node in ast.iter_child_nodes(tree):
        name = outer
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{outer}.{node.name}" if outer else node.name
            found[name] = ast.get_source_segment(text, node) or ""
        found.update(functions(node, text, name))
    return found


@pytest.mark.parametrize("module", sorted({module for module, _function, _change in explained.entries()}))
def test_each_explained_line_is_there(module: str) -> None:
    text = (ROOT / module).read_text("utf-8")
    inside = {name: explained.squeezed(body) for name, body in functions(ast.parse(text), text).items()}
    inside["(module)"] = explained.squeezed(text)
    gone = [
        (function, change)
        for where, function, change in explained.entries()
        if where == module and explained.squeezed(explained.original(change)) not in inside.get(function, "")
    ]
    assert gone == [], "mend them in tests/mutants.md, after make mutants"


def test_no_survivor_is_explained_twice() -> None:
    assert len(set(explained.entries())) == len(explained.entries())
