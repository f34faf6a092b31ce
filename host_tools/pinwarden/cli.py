"""The `pinwarden` command: finds the subcommand, and makes every error into one message and an exit code.

0 done · 1 refused, or something that the user can put right · 2 used wrongly · 3 the board is out of
reach 70 a fault of pinwarden's own · 130 interrupted
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import io
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from pinwarden.console import complain
from pinwarden.errors import MissingPart, UserError

COMMANDS = {
    "init": "pinwarden.commands.init:init",
    "check": "pinwarden.commands.check:check",
    "up": "pinwarden.commands.up:up",
    "flash": "pinwarden.commands.flash:flash",
    "deploy": "pinwarden.commands.deploy:deploy",
    "image": "pinwarden.commands.image:image",
    "mint": "pinwarden.commands.mint:mint",
    "inspect": "pinwarden.commands.inspect:inspect",
    "keys": "pinwarden.commands.keys:keys",
    "revoke": "pinwarden.commands.revoke:revoke",
    "ca": "pinwarden.commands.ca:ca",
    "audit": "pinwarden.commands.audit:audit",
    "call": "pinwarden.commands.call:call",
    "clock": "pinwarden.commands.clock:clock",
    "doctor": "pinwarden.commands.doctor:doctor",
    "monitor": "pinwarden.commands.monitor:monitor",
    "simulate": "pinwarden_sim.command:simulate",
    "completion": "pinwarden.commands.completion:completion",
}
FAULT, INTERRUPTED, BROKEN_PIPE = 70, 130, 141

_EPILOG = """\b
Examples:
  pinwarden init door                     create a device
  pinwarden simulate door                 run it on this computer
  pinwarden up door                       put it onto a board
  pinwarden mint door --pin relay --qr    a token for a phone
  pinwarden call door POST pins/relay/toggle

Exit codes: 0 done, 1 refused or wrong, 2 wrong usage, 3 board out of reach."""


class Commands(click.Group):
    """The subcommands, each imported when it is used: a `mint` does not wait for what `simulate` needs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names, in the order in which one comes to need them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name; one that says what is missing where a part is not installed."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        try:
            return getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            if error.name is None or not module.startswith(error.name):
                raise
            return _absent(cmd_name, error.name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest command for one that there is not."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            meant = f" Did you mean {near[0]}?" if near else f" There are: {', '.join(COMMANDS)}."
            ctx.fail(f"there is no command {args[0]!r}.{meant}")
        return super().resolve_command(ctx, args)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> NoReturn:
        """Run a command line and leave with its exit code; `standalone_mode` is always on."""
        debug = _Debug()
        name = prog_name or "pinwarden"
        try:
            extra |= {"standalone_mode": False, "obj": debug}
            code = (
                super().main(args, name, complete_var, windows_expand_args=windows_expand_args, **extra) or 0
            )
            if sys.stdout is not None:  # it is, where the shell closed it with >&-
                sys.stdout.flush()
        except BaseException as error:
            if debug.on and not isinstance(error, SystemExit | click.UsageError | UserError):
                traceback.print_exc()
            code = _report(error)
        sys.exit(code)


class _Debug:
    """Whether --debug was given. It outlives the command's context, which is gone when errors arrive."""

    on = False


def _discard_unwritten() -> None:
    """Let go of output that cannot be written: Python would try again at its end, and leave with 120."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        _quiet_pipe()


def _report(error: BaseException) -> int:
    """Say what an error is, in one place, and return its exit code."""
    match error:
        case SystemExit():
            return error.code if isinstance(error.code, int) else 1
        case UserError():
            complain(error.message, error.hint)
            return error.exit_code
        case click.exceptions.NoArgsIsHelpError():
            click.echo(error.ctx.get_help() if error.ctx else "", err=True)
            return error.exit_code
        case click.UsageError():
            path = error.ctx.command_path if error.ctx else "pinwarden"
            message = error.format_message().rstrip(".")
            complain(message[:1].lower() + message[1:], f"See: {path} --help")
            return error.exit_code
        case click.ClickException():
            complain(error.format_message())
            return error.exit_code
        case click.Abort() if isinstance(error.__context__, EOFError):  # click hides it: `from None`
            click.echo(err=True)  # the question's line has no end
            complain(
                "the input ended before the question was answered", "See the command's --help for other ways."
            )
            return 1
        case KeyboardInterrupt() | click.Abort():
            return INTERRUPTED
        case BrokenPipeError():
            return _quiet_pipe()
        case OSError():
            _discard_unwritten()
            complain(f"{error.filename or 'input or output'}: {error.strerror or type(error).__name__}")
            return 1
        case _:
            # The type alone: what the error says may quote a secret.
            complain(
                f"pinwarden itself failed ({type(error).__name__})",
                "Please report it, with what `pinwarden --debug …` prints; look for secrets in it first.",
            )
            return FAULT


def _quiet_pipe() -> int:
    """The reader went away, as `head` does; what Python flushes at its end goes nowhere, silently."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return BROKEN_PIPE


def _absent(name: str, module: str) -> click.Command:
    def fail(**_: object) -> NoReturn:
        raise MissingPart(
            f"{name} is not part of this installation ({module} is missing)", "Install pinwarden anew."
        )

    return click.Command(
        name,
        callback=fail,
        params=[click.Argument(["args"], nargs=-1, type=click.UNPROCESSED)],
        context_settings={"ignore_unknown_options": True},
        short_help="(not installed)",
    )


def _print_version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from pinwarden.boardlib import version  # the board's files are asked only when somebody wants to know

        click.echo(f"pinwarden {version()}")
        ctx.exit()


@click.group(
    name="pinwarden", cls=Commands, context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EPILOG
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Show the version.",
)
@click.option("--debug", is_flag=True, help="On a fault of pinwarden's own, show where it happened.")
@click.pass_obj
def cli(state: _Debug, debug: bool) -> None:
    """An ESP32 whose pins obey only signed tokens: create devices, mint tokens, call boards."""
    state.on = debug


def main() -> NoReturn:
    """The entry point of the `pinwarden` command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that has no "…" gets a "?", and no traceback
    cli.main()
