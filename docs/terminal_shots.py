"""Makes docs/up.svg, deploy.svg and doctor.svg: what the commands print, on a simulated board.

    .venv/bin/python docs/terminal_shots.py

The commands run as they stand in the pictures, but for the port and the address of the simulated board, which
a real one does not need. Needs MicroPython.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

from pinwarden_sim import Board

HERE = Path(__file__).parent
WIDTH = 100
# Without the web font that rich asks for: a picture fetches nothing.
FORMAT = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g>
</g>
</svg>
"""


def run(command: list[str], hidden: list[str], folder: Path) -> str:
    """What `pinwarden` prints, with its prompt."""
    environment = {**os.environ, "COLUMNS": str(WIDTH), "PYTHONWARNINGS": "ignore"}
    argv = [str(Path(sys.executable).with_name("pinwarden")), *command, *hidden]
    done = subprocess.run(
        argv, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}")
    said = done.stdout
    for option in hidden:
        said = said.replace(option, "/dev/ttyUSB0" if option.startswith("/") else "192.168.1.20")
    return f"$ pinwarden {' '.join(command)}\n{said}"


def draw(name: str, text: str) -> None:
    """Write docs/NAME.svg."""
    console = Console(record=True, width=WIDTH, file=open(os.devnull, "w"), force_terminal=True)  # noqa: SIM115
    for line in text.rstrip().splitlines():
        shown = Text.from_ansi(line)
        if line.startswith("$"):
            shown.stylize("bold")
        for word, style in (("ok", "green"), ("warning", "yellow"), ("failed", "red"), ("skipped", "dim")):
            if line.startswith(f"  {word} "):
                shown.stylize(style, 2, 2 + len(word))
        console.print(shown)
    svg = console.export_svg(title="", code_format=FORMAT, unique_id=name)
    (HERE / f"{name}.svg").write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n")


def main() -> None:
    """Make them all."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["PINWARDEN_WIFI_PASSWORD"] = "simulated-air"
        run(["init", "door", "--ssid", "Home"], [], folder)
        (folder / "flash").mkdir()
        with Board(
            folder / "flash", "micropython", usb=True, heapsize="224k", clock=int(time.time())
        ) as board:
            board.power_on()
            address = board.url.removeprefix("http://")
            place = ["--port", board.usb.path, "--address", address]
            draw("up", run(["up", "door"], place, folder))
            settings = folder / "door" / "device.toml"
            settings.write_text(settings.read_text().replace('label = "Relay"', 'label = "Gate"'))
            draw("deploy", run(["deploy", "door"], place, folder))
            draw("doctor", run(["doctor", "door"], ["--address", address], folder))


if __name__ == "__main__":
    main()
