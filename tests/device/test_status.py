"""What a board tells of itself."""

import os
import sys
import time

from firmware import VERSION
from firmware.status import describe, version
from harness import cases, equal

HERE = os.getcwd()


class Clock:
    def state(self):
        return {"set": True, "source": "ntp"}

    def now(self):
        return 1700000000


class Wifi:
    def network(self):
        return "station"

    def signal(self):
        return -60


def told(started=0):
    settings = {"name": "door", "chip": "esp32c3", "pins": {}}
    found = {"build": "4f2a9c", "rolled_back": None, "reset_cause": "pwron"}
    return describe(settings, found, Clock(), Wifi(), started)


def build_in(text):
    """The build that is told in a folder with this version.json."""
    with open("version.json", "w") as file:
        file.write(text)
    try:
        return version()["build"]
    finally:
        os.remove("version.json")


def test_the_build_is_that_of_the_version_that_runs():
    equal(build_in('{"version": "0.1.0", "build": "4f2a9c", "files": {"settings.json": "00"}}'), "4f2a9c")


@cases(
    [
        ("empty", ""),
        ("half a file", '{"build": "4f'),
        ("no object", '["build"]'),
        ("no build", "{}"),
        ("a build that is no text", '{"build": 4}'),
    ]
)
def test_a_broken_version_json_names_no_build(text):
    equal(build_in(text), None)


def test_a_plain_copy_has_no_build_and_no_slot():
    os.chdir("/")
    try:
        equal(version(), {"build": None, "rolled_back": None, "reset_cause": "pwron"})
        equal(told()["slot"], None)
    finally:
        os.chdir(HERE)


def test_micropython_is_named():
    name = told()["micropython"]
    if sys.implementation.name == "micropython":
        equal(len([int(part) for part in name.split(".")]), 3)
    else:
        equal(name, None)


def test_all_of_it():
    answer = told(started=time.ticks_add(time.ticks_ms(), -61_500))
    equal((answer["name"], answer["chip"], answer["version"]), ("door", "esp32c3", VERSION))
    equal((answer["build"], answer["rolled_back"]), ("4f2a9c", None))
    equal((answer["network"], answer["signal_dbm"]), ("station", -60))
    equal(answer["clock"], {"set": True, "source": "ntp", "now": 1700000000})
    equal((answer["uptime_s"], answer["reset_cause"]), (61, "pwron"))
    assert 0 < answer["flash"]["free"] <= answer["flash"]["size"]
