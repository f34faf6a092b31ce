"""`pinwarden completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from pinwarden.errors import MissingPart
from pinwarden.params import examples


@click.command(
    short_help="Print the shell's completion script.",
    epilog=examples("""
        eval "$(pinwarden completion bash)"        in ~/.bashrc
        eval "$(pinwarden completion zsh)"         in ~/.zshrc
        pinwarden completion fish > ~/.config/fish/completions/pinwarden.fish
    """),
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script by which a shell completes commands, devices and pins."""
    root = ctx.find_root()
    made = get_completion_class(shell)
    if made is None:
        raise MissingPart(f"this version of click completes nothing for {shell}", "Install pinwarden anew.")
    script = made(root.command, {}, "pinwarden", "_PINWARDEN_COMPLETE")
    # Not source(): it starts a bash to look at its version, and bashes older than 4.4 say so themselves.
    click.echo(script.source_template % script.source_vars())
