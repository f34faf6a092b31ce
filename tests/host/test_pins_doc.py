"""What docs/pins.md shows can be written so."""

import re
import tomllib
from pathlib import Path

import pytest

from pinwarden import boardlib

TEXT = (Path(__file__).parents[2] / "docs" / "pins.md").read_text("utf-8")
TABLES = [
    "".join(line[4:] + "\n" for line in block.splitlines())
    for block in re.findall(r"(?:^    .+\n)+", TEXT, re.MULTILINE)
    if block.startswith("    [pins.")
]
KINDS = ["switch", "pulse", "pwm", "servo", "rgb", "input", "analog"]


def test_there_is_an_example_of_each_kind() -> None:
    found = [kind for table in TABLES for kind in re.findall(r'kind = "(.+?)"', table)]
    assert found == KINDS


@pytest.mark.parametrize("table", TABLES, ids=KINDS)
def test_an_example_is_right(table: str) -> None:
    pins = tomllib.loads(table.replace("NAME", "name"))["pins"]
    if any("interlock" in pin for pin in pins.values()):
        pins["down"] = {"kind": "switch", "gpio": 4}
    data = {"version": 1, "name": "door", "chip": "esp32", "pins": pins}
    assert boardlib.firmware("settings").check_settings(data)["pins"].keys() == pins.keys()
