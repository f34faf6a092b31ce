"""The command as a whole: help, exit codes, completion, and that no error is ever a traceback."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from pinwarden import boardlib, cli, find
from pinwarden.console import plain, redact
from pinwarden.device import Device
from pinwarden.mint import mint_token

Run = Callable[..., Result]


def process(*args: str, **options) -> subprocess.Popen:
    """The command in a process of its own, as a shell starts it."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **options.pop("env", {})}
    command = [sys.executable, "-c", "from pinwarden.cli import main; main()", *args]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, env=environment, text=True, **{**pipes, **options})


def test_tells_its_version(pinwarden: Run) -> None:
    assert pinwarden("--version").stdout == f"pinwarden {boardlib.version()}\n"


@pytest.mark.parametrize("name", list(cli.COMMANDS))
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_every_command_has_help_with_examples(pinwarden: Run, name: str, option: str) -> None:
    result = pinwarden(name, option)
    assert result.exit_code == 0
    assert f"Usage: pinwarden {name}" in result.stdout
    assert f"pinwarden {name}" in result.stdout.partition("Examples:")[2]


def test_help_names_every_command(pinwarden: Run) -> None:
    text = pinwarden("--help").stdout
    for name in cli.COMMANDS:
        assert f"\n  {name} " in text


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["mnit"], 2, "Did you mean mint?"),
        (["frobnicate"], 2, "There are: init, check"),
        (["--verzion"], 2, "--verzion"),
        (["check", "a", "b"], 2, "unexpected extra argument"),
        (["check", "no/such"], 1, "there is no device 'no/such'"),
        (["check"], 1, "there is no device folder here"),
        (["mint", "--pin", "relay"], 1, "there is no device folder here"),
        (["completion", "tcsh"], 2, "bash"),
        (["check", "a\x00b"], 1, "there is no device"),
        (["check", "x" * 5000], 1, "there is no device"),
    ],
)
def test_wrong_use_is_one_message(pinwarden: Run, args: list[str], code: int, says: str) -> None:
    result = pinwarden(*args)
    assert result.exit_code == code
    assert says in result.stderr
    assert result.stderr.count("error: ") == 1
    assert "hint: " in result.stderr


def test_a_token_is_not_repeated_in_an_error(door: Device, pinwarden: Run) -> None:
    token = mint_token(door, subject="anna", scope=[], ttl=60)
    for args in (["inspect", "x", token], ["mint", token], ["call", "door", token, "pins"], [token]):
        result = pinwarden(*args)
        assert result.exit_code in (1, 2)
        assert token not in result.output
        assert token.rpartition(".")[2] not in result.output


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Makes `pinwarden check` raise."""

    def fail_with(error: BaseException) -> None:
        def fail(_: object) -> None:
            raise error

        monkeypatch.setattr(find, "find", fail)

    return fail_with


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (RuntimeError("hunter2"), 70, "pinwarden itself failed (RuntimeError)"),
        (KeyError("hunter2"), 70, "pinwarden itself failed (KeyError)"),
        (MemoryError(), 70, "MemoryError"),
        (
            PermissionError(13, "Permission denied", "door/device.toml"),
            1,
            "door/device.toml: Permission denied",
        ),
        (OSError(28, "No space left on device"), 1, "No space left on device"),
        (KeyboardInterrupt(), 130, ""),
        (click.Abort(), 130, ""),
    ],
)
def test_every_error_has_its_exit_code(
    pinwarden: Run, failing: Callable, error: BaseException, code: int, says: str
) -> None:
    failing(error)
    result = pinwarden("check")
    assert result.exit_code == code
    assert says in result.stderr
    assert "hunter2" not in result.output  # what an unknown error says may be a secret


def test_debug_shows_where_a_fault_is(failing: Callable) -> None:
    failing(RuntimeError("here"))
    result = CliRunner().invoke(cli.cli, ["--debug", "check"])
    assert result.exit_code == 70
    assert "Traceback" in result.stderr
    assert "RuntimeError: here" in result.stderr


def test_debug_does_not_spoil_what_the_user_can_put_right() -> None:
    result = CliRunner().invoke(cli.cli, ["--debug", "check"])
    assert result.exit_code == 1
    assert "Traceback" not in result.output


def test_a_missing_simulator_is_told(pinwarden: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cli.COMMANDS, "simulate", "pinwarden_sim_missing.command:simulate")
    result = pinwarden("simulate", "door", "--port", "8080")
    assert result.exit_code == 1
    assert "simulate is not part of this installation" in result.stderr
    assert "init" in pinwarden("--help").stdout


def test_ctrl_c_is_130_and_quiet(door: Device) -> None:
    """While `call` waits for a board that took the connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        started = process(
            "call", "door", "GET", "healthz", "--address", f"127.0.0.1:{server.getsockname()[1]}"
        )
        server.settimeout(30)
        connection, _ = server.accept()
        with connection:
            started.send_signal(signal.SIGINT)
            out, err = started.communicate(timeout=30)
    assert started.returncode == 130
    assert (out + err).strip() == ""


@pytest.mark.parametrize("args", [["--help"], ["completion", "bash"], ["mint", "--pin", "relay"]])
def test_a_closed_pipe_is_quiet(door: Device, args: list[str]) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    started = process(*args, stdout=write_end)
    os.close(write_end)
    _, err = started.communicate(timeout=30)
    assert started.returncode in (1, 141)
    assert "Traceback" not in err
    assert "BrokenPipe" not in err


def test_a_full_disk_is_one_message(door: Device) -> None:
    if not Path("/dev/full").exists():
        return  # Linux alone has it
    with open("/dev/full", "w") as full:
        _, err = (started := process("mint", "--pin", "relay", stdout=full)).communicate(timeout=30)
    assert started.returncode == 1
    assert "error: " in err
    assert "No space left" in err
    assert "Traceback" not in err


def test_a_terminal_without_unicode_is_no_fault(door: Device) -> None:
    out, err = (
        started := process("mint", "--pin", "relay", "--qr", env={"PYTHONIOENCODING": "ascii"})
    ).communicate()
    assert started.returncode == 0
    assert out.startswith("eyJ")
    assert "Traceback" not in err


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&-"])
def test_closed_streams_are_no_fault(door: Device, closed: str) -> None:
    command = f'exec "$0" -c "from pinwarden.cli import main; main()" mint --pin relay {closed}'
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    told = subprocess.run(
        ["sh", "-c", command, sys.executable], env=environment, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0
    assert "Traceback" not in told.stdout + told.stderr


def test_mint_in_a_shell(door: Device) -> None:
    out, err = (started := process("mint", "--pin", "relay")).communicate(timeout=30)
    assert started.returncode == 0
    assert out.count(".") == 2
    assert len(out.split()) == 1
    assert "\x1b" not in out + err  # no colours into a pipe


def test_a_question_to_nobody_says_so(door: Device) -> None:
    command = [sys.executable, "-m", "pinwarden", "revoke", str(door.folder), "--all"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    told = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert told.returncode == 1
    assert "\nerror: the input ended before the question was answered\n" in told.stderr


def test_runs_as_a_module(nowhere: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "pinwarden", "--help"]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.startswith("Usage: pinwarden ")


def test_nothing_heavy_is_imported_before_it_is_needed(nowhere: Path) -> None:
    heavy = ("httpx", "jwt", "segno", "pinwarden.board")
    script = f"import sys, pinwarden.cli; print([m for m in {heavy} if m in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    told = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert told.stdout == "[]\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_prints_a_completion_script(pinwarden: Run, shell: str) -> None:
    result = pinwarden("completion", shell)
    assert result.exit_code == 0
    assert f"_PINWARDEN_COMPLETE={shell}_complete" in result.stdout


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("pinwarden mi", ["mint"]),
        ("pinwarden mint ", ["door"]),
        ("pinwarden call do", ["door"]),
        ("pinwarden mint --pin re", ["relay"]),
        ("pinwarden mint door --pin ", ["relay"]),
        ("pinwarden mint door --scope pins:w", ["pins:write", "pins:write:relay"]),
        ("pinwarden mint nothing --pin ", []),
        ("pinwarden call door GE", ["GET"]),
        ("pinwarden call door POST pins/relay/", ["pins/relay/toggle"]),
        ("pinwarden call door GET rev", ["revocations"]),
        ("pinwarden init x --chip esp32c", ["esp32c3", "esp32c6"]),
        ("pinwarden completion z", ["zsh"]),
    ],
)
def test_completes(door: Device, line: str, wanted: list[str]) -> None:
    assert completions(line) == wanted


def test_completes_nothing_with_a_broken_device(door: Device) -> None:
    (door.folder / "device.toml").write_text("= broken")
    assert completions("pinwarden mint door --pin ") == []


def completions(line: str) -> list[str]:
    """What bash would offer at the end of the line."""
    words = line.split(" ")
    env = {"_PINWARDEN_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    result = CliRunner().invoke(cli.cli, [], prog_name="pinwarden", env=env)
    assert result.exit_code == 0
    return [item.partition(",")[2] for item in result.stdout.splitlines() if item]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\nc", "a\tb\nc"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\u202e", "\\u202e"),
        ("é☂", "é☂"),
        ("\udcff", "\\udcff"),
    ],
)
def test_makes_text_plain(text: str, shown: str) -> None:
    assert plain(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a eyJhbGciOiJIUzI1NiJ9.e30.c2ln b", "a (a token) b"),
        ("http://d/#token=eyJhbGciOiJIUzI1NiJ9.e30.c2ln", "http://d/#token=(a token)"),
        ("door.local", "door.local"),
    ],
)
def test_takes_tokens_out(text: str, shown: str) -> None:
    assert redact(text) == shown
