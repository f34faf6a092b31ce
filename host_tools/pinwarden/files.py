"""Files that are whole or not there, and secrets that only their owner reads."""

from __future__ import annotations

import contextlib
import os
import secrets
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from pinwarden.errors import ExposedSecret, UnreadableFile

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
PUBLIC_FILE = 0o666  # less the umask


def short(path: Path) -> str:
    """The path as the user would type it: relative when it lies below the working directory."""
    with contextlib.suppress(ValueError, OSError):
        return str(Path(os.path.abspath(path)).relative_to(Path.cwd()))
    return str(path)


@contextlib.contextmanager
def blamed(path: Path) -> Iterator[None]:
    """Have an OSError name this path: a full disk's names none, others that of a temporary file."""
    try:
        yield
    except OSError as error:
        if error.errno is not None:
            error.filename = short(path)
        raise


def write_atomic(path: Path, data: bytes, mode: int = PUBLIC_FILE) -> None:
    """Replace `path` by `data` in one step: a reader, or a power cut, finds the old file or the new one.

    The file has its mode from the start, so that a secret is at no moment readable by others.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with blamed(path), open(os.open(temporary, flags, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with blamed(path):
            os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Have the names in a folder survive a power cut: a rename, or a removal, may else come back undone."""
    if os.name != "posix":
        return  # a folder cannot be opened there; its file system keeps a journal of names
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_text(path: Path, *, private: bool = False) -> str:
    """The text of a file; `private` refuses one that others may read.

    Raises UnreadableFile or ExposedSecret.
    """
    try:
        if private:
            refuse_exposed(path)
        return path.read_bytes().decode("utf-8-sig")  # some editors put a byte order mark before it
    except FileNotFoundError:
        raise UnreadableFile(
            f"{short(path)} is missing", "Put it back, from a backup; git has no secrets."
        ) from None
    except OSError as error:
        raise UnreadableFile(
            f"{short(path)} cannot be read: {error.strerror or type(error).__name__}",
            "See to whom it belongs, and run pinwarden as that user.",
        ) from None
    except UnicodeDecodeError as error:
        # The error itself quotes the bytes, which may be a secret's.
        raise UnreadableFile(
            f"{short(path)} is not UTF-8 text (byte {error.start})", "Save it as UTF-8."
        ) from None


def refuse_exposed(path: Path) -> None:
    """Raise ExposedSecret when the group or others may do anything with this file or folder."""
    if os.name != "posix":
        return  # no mode bits to judge by; the folder's access list is the user's own
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        wanted = PRIVATE_FOLDER if path.is_dir() else PRIVATE_FILE
        raise ExposedSecret(
            f"{short(path)} holds secrets, and other users may get at it (mode {mode:04o})",
            f"Run: chmod {wanted:o} {shlex.quote(short(path))}",
        )
