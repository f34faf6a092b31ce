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
