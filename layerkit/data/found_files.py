"""The files that a path in a spec means."""

from __future__ import annotations

import glob
from pathlib import Path

from layerkit.errors import DataError


def found_files(path: str, folder: Path) -> list[Path]:
    """Return the files that a path in a spec means, which stands in ``folder``.

    Raises
    ------
    DataError
        If a pattern matches none.
    """
    try:
        whole = folder / Path(path).expanduser()
        if whole.exists() or not glob.has_magic(path):
            return [whole]
    except (ValueError, RuntimeError) as error:  # a null character, or nobody's home
        raise DataError(f"{path!r}: this is no path of a file: {error}") from None
    found = sorted(glob.glob(str(whole)))  # noqa: PTH207 (Path.glob takes no pattern that starts at the root)
    if not found:
        raise DataError(f"{whole}: no file has such a name")
    return list(map(Path, found))


def found_file(path: str, folder: Path) -> Path:
    """Return the one file that a path means; errors as for `found_files`, also where there are several."""
    found = found_files(path, folder)
    if len(found) > 1:
        raise DataError(f"{folder / path}: {len(found)} files have such a name, and one is wanted")
    return found[0]
