"""From a line of a board's traceback to the source line here."""

from __future__ import annotations

from pathlib import Path

import pytest

from pinwarden import board
from pinwarden.monitor.tracebacks import Sources


@pytest.fixture(scope="module")
def sources() -> Sources:
    return Sources()


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("/firmware/app.py", "firmware/app.py"),
        ("firmware/app.py", "firmware/app.py"),
        ("firmware/app.mpy", "firmware/app.py"),
        ("/lib/jwt.mpy", "firmware/lib/jwt.py"),
        ("/a/firmware/app.py", "firmware/app.py"),
        ("/b/lib/jwt.py", "firmware/lib/jwt.py"),
        ("/lib/jwt.py", "firmware/lib/jwt.py"),
        ("main.py", "main.py"),
        ("/boot.py", "boot.py"),
    ],
)
def test_ours(sources: Sources, path: str, source: str) -> None:
    frame = sources.frame(f'  File "{path}", line 3, in run')
    assert frame is not None
    assert frame.source == board.ROOT / source
    assert (frame.line, frame.text) == (3, (board.ROOT / source).read_text().splitlines()[2].strip())


@pytest.mark.parametrize(
    "line",
    [
        '  File "asyncio/core.py", line 3, in run',
        '  File "/etc/passwd", line 1',
        '  File "/firmware/../main.py", line 1',
        '  File "/a/../etc/passwd", line 1',
        '  File "//etc/passwd", line 1',
        '  File "<stdin>", line 1, in <module>',
        f'  File "{"x" * 300}", line 1',
        '  File "/firmware/app.py", line 99999999999',
        'the File "/firmware/app.py", line 3',
        "wifi: connected",
    ],
)
def test_not_ours(sources: Sources, line: str) -> None:
    assert sources.frame(line) is None


@pytest.mark.parametrize("number", [0, 99999])
def test_a_line_that_is_not_there(sources: Sources, number: int) -> None:
    frame = sources.frame(f'  File "/firmware/app.py", line {number}')
    assert frame is not None
    assert frame.text is None


def test_a_source_that_has_gone(sources: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refuse)
    frame = sources.frame('  File "/firmware/wifi.py", line 3')
    assert frame is not None
    assert frame.text is None


def test_a_function_has_its_name(sources: Sources) -> None:
    lines = (board.ROOT / "firmware" / "app.py").read_text().splitlines()
    number = next(number for number, line in enumerate(lines, 1) if "asyncio.run(_main(" in line)
    frame = sources.frame(f'  File "firmware/app.mpy", line {number}, in _')
    assert frame is not None
    assert frame.function == "run"
    outside = sources.frame('  File "firmware/app.mpy", line 1')
    assert outside is not None
    assert outside.function is None
