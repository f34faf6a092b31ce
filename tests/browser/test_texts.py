"""The page's words: each language has all of them, and none that nobody says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import testbed
from pinwarden import board as files
from testbed import token
from watching import Watch

WEB = Path(__file__).parents[2] / "firmware" / "web"
LANGUAGES = files.languages()
# A text's name -> what it is: "text", how many there are of a list, how many arguments a function takes.
_SHAPE = """(source) => {
  const found = {};
  const walk = (value, path) => {
    if (typeof value === "object") {
      for (const name in value) walk(value[name], path ? path + "." + name : name);
    } else found[path] = typeof value === "function" ? "of " + value.length : "text";
  };
  walk(new Function(source + "; return TEXT;")(), "");
  return found;
}"""


@pytest.fixture(scope="module")
def empty(watch: Watch) -> Iterator[Page]:
    page = watch.context().new_page()
    yield page
    page.context.close()


@pytest.fixture(scope="module")
def english(empty: Page) -> dict[str, str]:
    return empty.evaluate(_SHAPE, (WEB / "text.en.js").read_text())


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_another_language_has_the_same_texts(empty: Page, english: dict[str, str], language: str) -> None:
    assert empty.evaluate(_SHAPE, (WEB / f"text.{language}.js").read_text()) == english


def test_every_text_is_used_and_there(english: dict[str, str]) -> None:
    sources = [path.read_text() for path in [*WEB.glob("*.js"), WEB / "index.html"]]
    used = {
        name
        for source in sources
        for name in re.findall(r'\bTEXT\.(\w+)|data-text="(\w+)"', source)
        for name in name
        if name
    }
    assert used == {name.partition(".")[0] for name in english}


def test_a_board_speaks_the_language_of_its_settings(page: Page, ports: set[int], tmp_path: Path) -> None:
    if not testbed.have("micropython"):
        pytest.skip(testbed.WITHOUT_MICROPYTHON)
    with testbed.device(tmp_path / "german", "micropython", language="de") as board:
        ports.add(board.port)
        page.goto(f"{board.url}/#token={token('pins:read', 'pins:write', 'admin')}")
        expect(page.get_by_role("switch", name="Relay")).to_contain_text("Aus")
        expect(page.locator("#owner > summary")).to_have_text("Verwaltung")
        assert page.locator("html").get_attribute("lang") == "de"
