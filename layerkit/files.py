"""Files that may be hostile to read, or that must never be found half written."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path


def read_regular_file(path: Path, limit: int | None = None) -> bytes:
    """Return the bytes of a regular file, at most ``limit`` of them; a pipe or a device may have no end.

    Raises
    ------
    OSError
        If it cannot be read, or is no regular file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
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
    """Write a file whole or not at all: beside its place, flushed to disk, then moved there.

    Raises
    ------
    OSError
        If it cannot be written; what was at ``path`` before is still there.
    """
    if "\0" in str(path):
        raise OSError("a path has no null characters")
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".layerkit-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def reason(error: OSError) -> str:
    """Return what went wrong, without the path and the number."""
    return error.strerror or str(error)
