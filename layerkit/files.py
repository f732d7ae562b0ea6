"""Files that may be hostile to read, or that must never be found half written."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_BINARY = getattr(os, "O_BINARY", 0)  # Windows translates line ends unless told not to
_AT_ONCE = getattr(os, "O_NONBLOCK", 0)  # opening a pipe must not wait for its writer; there are none on Windows

_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


def read_regular_file(path: Path, limit: int | None = None) -> bytes:
    """Return the bytes of a regular file, at most ``limit`` of them; a pipe or a device may have no end.

    Raises
    ------
    OSError
        If it cannot be read, or is no regular file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | _BINARY | _AT_ONCE)
    except ValueError as error:  # a path with a null character in it
        raise OSError(str(error)) from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("this is no regular file")
        with open(descriptor, "rb", closefd=False) as stream:
            return stream.read(-1 if limit is None else limit)
    finally:
        os.close(descriptor)


def write_whole_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, as `whole_file` does."""
    with whole_file(path) as file:
        file.write(content)


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write that is there whole or not at all: beside its place, flushed to disk, then moved there.

    A new file has the permissions that the process gives to new files (its umask); a file that was there keeps its own.

    Raises
    ------
    OSError
        If it cannot be written; what was at ``path`` before is still there.
    """
    if "\0" in str(path):
        raise OSError("a path has no null characters")
    path = path.resolve() if path.is_symlink() else path  # what a link stands for is written, not the link
    if path.exists() and not path.is_file():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR)) if path.is_dir() else OSError("this is no regular file")
    permissions = _permissions(path)
    temporary = path.with_name(f".layerkit-{secrets.token_hex(8)}")

    # The system takes the umask off. Nobody may read what comes who could not read what was there.
    mode = 0o666 if permissions is None else permissions
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, mode)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if permissions is not None:
            temporary.chmod(permissions)
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def _permissions(path: Path) -> int | None:
    """Return who may read, write and run the file at ``path``; None where there is no file."""
    try:
        return path.stat().st_mode & 0o777
    except OSError:
        return None


def reason(error: OSError) -> str:
    """Return what went wrong, without the path and the number."""
    if isinstance(error, FileNotFoundError) and isinstance(error.filename, str | os.PathLike):
        folder = Path(error.filename).parent
        if not folder.exists():
            return f"there is no folder {folder}"
    return error.strerror or str(error)


def is_full(error: OSError) -> bool:
    """Return whether there was no room, on the disk or within what a user or a process may take of it."""
    return error.errno in _FULL


def remedy(error: OSError) -> str:
    """Return what to do about a file that could not be written, as the end of a message."""
    return "; make room there, or choose another place" if is_full(error) else "; choose another place"
