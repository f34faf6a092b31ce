"""TOML errors come with file and line, and never with a password."""

from pathlib import Path

import pytest

from pinwarden import tomlfile
from pinwarden.errors import BadToml

DEVICE = """\
name = "door"   # line 1
[http]
port = 80
[pins.relay]
gpio = 34
kind = "switch"
[pins . "lamp"]
gpio = 4
"""


@pytest.mark.parametrize(
    ("field", "line"),
    [
        ("name", 1),
        ("http.port", 3),
        ("http.max_head", 2),  # not given: its table
        ("pins.relay.gpio", 5),
        ("pins.relay", 4),
        ("pins.relay.interlock[0]", 4),
        ("pins.lamp.gpio", 8),
        ("pins", 4),
        ("chip", None),
    ],
)
def test_finds_the_line_of_a_field(field: str, line: int | None) -> None:
    assert tomlfile.line_of(DEVICE, field) == line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a = 1\nb = \n", 2),
        ("a = 1\na = 2\n", 2),
        ('a = "unclosed\n', 1),
        ("[t]\n\n\n= 3", 4),
        ("a = 1\nb = [1,\n", 2),  # the end of the document is the last line
    ],
)
def test_a_syntax_error_has_its_line(nowhere: Path, text: str, line: int) -> None:
    Path("x.toml").write_text(text)
    with pytest.raises(BadToml, match=rf"^x\.toml:{line}: "):
        tomlfile.read(Path("x.toml"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('a = "unclosed\n', "x.toml:1: a text has no closing quote"),
        ("[t]\na = 1\na = 2\n", "x.toml:3: this name stands twice in its table"),
    ],
)
def test_it_is_told_in_plain_words(nowhere: Path, text: str, told: str) -> None:
    Path("x.toml").write_text(text)
    with pytest.raises(BadToml, match=told):
        tomlfile.read(Path("x.toml"))


def test_nesting_without_end_is_one_message(nowhere: Path) -> None:
    Path("x.toml").write_text("a = " + "[" * 100000)
    with pytest.raises(BadToml, match="nest too deep"):
        tomlfile.read(Path("x.toml"))


def test_a_byte_order_mark_is_passed_over(nowhere: Path) -> None:
    Path("x.toml").write_bytes(b"\xef\xbb\xbfa = 1\r\n")
    assert tomlfile.read(Path("x.toml"))[0] == {"a": 1}


def test_a_private_file_is_not_quoted(nowhere: Path) -> None:
    file = Path("wifi.toml")
    file.write_text('ssid = "Home"\npassword = hunter2\n')
    file.chmod(0o600)
    with pytest.raises(BadToml) as caught:
        tomlfile.read(file, private=True)
    assert "wifi.toml:2" in caught.value.message
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize("text", ['"', "\\", "a\nb", "\x7f", "\x00", "ü ☂", "'''", '\\u0041"', "${ssid}"])
def test_quotes_any_text(text: str) -> None:
    import tomllib

    assert tomllib.loads(f"x = {tomlfile.quote(text)}") == {"x": text}
