"""The flash: a folder that the firmware sees as "/", and cannot leave."""

from __future__ import annotations

import pytest


def test_the_boards_own_root(board):
    made = board("""
        import json, os
        os.mkdir("/state")
        with open("/state/a.json", "w") as file:
            json.dump({"n": 1}, file)
        with open("state/a.json") as file:
            print(json.load(file))
        with open("/state/b", "wb") as file:
            print(file.write(b"12345"))
        with open("/state/b", "ab") as file:
            file.write(bytearray(b"678"))
        with open("/state/b", "r+b") as file:
            file.seek(2)
            file.write(memoryview(b"--"))
        print(open("/state/b", "rb").read(), os.stat("/state/b")[6])
        os.rename("/state/b", "/state/a.json")
        print(sorted(os.listdir("/state")), sorted(os.listdir("/"))[:1])
        print([entry[0] for entry in os.ilistdir("/state")], os.stat("/state")[0] & 0x4000 != 0)
        os.sync()
        os.remove("/state/a.json")
        os.rmdir("/state")
        os.chdir("/")
        print(os.getcwd(), os.statvfs("/")[0] > 0)
        try:
            os.stat("/state")
        except OSError as error:
            print(error.args[0])
    """)
    made.wait(lambda: made.state == "repl")
    assert made.serial[:7] == [
        "{'n': 1}",
        "5",
        "b'12--5678' 8",
        "['a.json'] ['main.py']",
        "['a.json'] True",
        "/ True",
        "2",
    ]


@pytest.mark.parametrize(
    "expression",
    [
        pytest.param('open("/../outside")', id="open above the root"),
        pytest.param('open("../outside")', id="a relative path"),
        pytest.param(
            'open("/state/../../../outside", "w")', id="writing, by way of a folder that is not there"
        ),
        pytest.param('os.rename("/main.py", "/../outside2")', id="rename out"),
        pytest.param('os.remove("/../outside")', id="remove outside"),
        pytest.param('os.mkdir("/../folder")', id="a folder outside"),
    ],
)
def test_no_way_out(board, tmp_path, expression):
    (tmp_path / "outside").write_text("not the board's")
    made = board(f"""
        import os
        try:
            {expression}
        except OSError as error:
            print("refused")
        print("\\nroot", sorted(os.listdir("/..")))
    """)
    made.wait(lambda: made.state == "repl")
    assert (tmp_path / "outside").read_text() == "not the board's"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["flash", "outside"]


def test_libraries_come_from_lib_and_shadow_the_runtimes_own(board):
    made = board(
        """
        import hmac, jwt
        from firmware import app
        print(hmac.WHOSE, jwt.hmac is hmac, app.NAME, __name__)
        """,
        files={
            "lib/hmac.py": "WHOSE = 'ours'",
            "lib/jwt.py": "import hmac",
            "firmware/__init__.py": "",
            "firmware/app.py": "from .name import NAME",
            "firmware/name.py": "NAME = 'door'",
        },
    )
    made.wait(lambda: made.state == "repl")
    assert made.serial[0] == "ours True door __main__"


def test_a_full_flash(board):
    """5 blocks of 4096 bytes: main.py has one."""
    made = board(
        """
        import os

        def free():
            return os.statvfs("/")[3]

        def write(path, size, mode="w"):
            try:
                with open(path, mode) as file:
                    return file.write("x" * size)
            except OSError as error:
                return "errno %d" % error.args[0]

        print(os.statvfs("/")[:3], free())
        print(write("/a", 4096), free(), write("/a", 1, "a"), free(), write("/b", 8193), free())
        print(write("/b", 8192), free(), write("/c", 0), write("/c", 1), os.stat("/c")[6], free())
        print(write("/a", 100), free(), write("/a", 100, "r+"), free())
        os.rename("/b", "/a")
        print(free(), write("/c", 8192), free())
        os.remove("/a")
        print(free())
        """,
        flash_size=5 * 4096 + 100,
    )
    made.wait(lambda: made.state == "repl")
    assert made.serial[:6] == [
        "(4096, 4096, 5) 4",
        "4096 3 1 2 errno 28 2",
        "8192 0 0 errno 28 0 0",
        "100 1 100 1",
        "2 8192 0",
        "2",
    ]


def test_a_flash_is_filled_while_the_firmware_runs(board):
    made = board("""
        import asyncio, os

        async def main():
            print("free", os.statvfs("/")[3])
            while True:
                try:
                    with open("/mark", "w") as file:
                        file.write("x")
                except OSError as error:
                    if error.args[0] == 28:
                        print("full")
                        break
                await asyncio.sleep_ms(1)
            while os.statvfs("/")[3] == 0:
                await asyncio.sleep_ms(1)
            print("room")

        asyncio.run(main())
    """)
    assert made.flash_size == 0x200000
    made.wait(lambda: "free 511" in made.serial)
    made.flash_size = 4096
    made.wait(lambda: "full" in made.serial)
    made.flash_size = 1 << 20
    made.wait(lambda: "room" in made.serial)
    made.reset()
    made.wait(lambda: "free 255" in made.serial)


def test_imports_go_by_the_working_directory_and_the_path(board):
    """As on a board: "" in sys.path is the working directory, and "/lib" a folder of the flash."""
    made = board(
        """
        import os, sys
        os.chdir("/a")
        sys.path[sys.path.index("/lib")] = "/a/lib"
        import firmware, hmac
        print(firmware.NAME, hmac.WHOSE, "" in sys.path)
        from firmware import fault
        """,
        files={
            "lib/hmac.py": "WHOSE = 'the root'",
            "firmware/__init__.py": "NAME = 'root'",
            "a/lib/hmac.py": "WHOSE = 'lib of a'",
            "a/firmware/__init__.py": "NAME = 'firmware of a'",
            "a/firmware/fault.py": "1 // 0",
        },
    )
    made.wait(lambda: made.state == "repl")
    assert made.serial[0] == "firmware of a lib of a True"
    assert [line for line in made.serial if "fault.py" in line]
    assert not [line for line in made.serial if str(made.flash) in line], "the host's folders are not told"
