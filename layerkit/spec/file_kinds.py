"""What a file seems to be that was given in the place of a spec."""

from __future__ import annotations

import re
from pathlib import Path

from layerkit.files import read_regular_file

_BEGINNINGS = {
    b"\x93NUMPY": "a NumPy array",
    b"\x89HDF\r\n\x1a\n": "an HDF5 file, such as Keras writes",
    b"PK\x03\x04": "a ZIP archive, such as an .npz file or a model of PyTorch or Keras",
    b"\x1f\x8b": "compressed with gzip",
    b"GGUF": "a model in the GGUF format",
    b"\x89PNG": "an image",
}
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_ENDINGS = {
    ".csv": "a table",
    ".ipynb": "a notebook",
    ".jsonl": "a list of JSON lines, such as the history of a run",
    ".npy": "a NumPy array",
    ".onnx": "a model in the ONNX format",
    ".py": "a Python program, and no spec ever runs one",
    ".toml": "a TOML file",
    ".tsv": "a table",
    ".yaml": "a YAML file",
    ".yml": "a YAML file",
}


def is_model_file(path: Path) -> bool:
    """Return whether a file has the form of safetensors: the length of a JSON object, and the object."""
    start = _beginning(path)
    return len(start) > 8 and start[8:9] == b"{" and int.from_bytes(start[:8], "little") < 2**32


def seeming(path: Path) -> str | None:
    """Say what there is at ``path``; None where it may be a spec with a fault, or nothing is there."""
    if path.is_dir():
        specs = sorted(str(spec) for spec in path.glob("*.json"))[:3]
        return "a directory" + (f"; the specs in it are files, such as {', '.join(specs)}" if specs else " without specs in it")
    if path.is_fifo():
        return 'a pipe; in the shell, "-" stands for standard input'
    if is_model_file(path):
        return "a model file; from Python, layerkit.Sequential.load(path).spec is the spec in it"
    start = _beginning(path)
    for beginning, kind in _BEGINNINGS.items():
        if start.startswith(beginning):
            return kind
    if _PICKLE.match(start):
        return "a pickle, which layerkit never opens: it may run anything"
    return _ENDINGS.get(path.suffix.lower())


def like_it(path: Path, suffix: str) -> str | None:
    """Name what is beside ``path``, where nothing is: files with ``suffix`` and a name like it, or a few that there are."""
    from difflib import get_close_matches

    files = sorted(file.name for file in path.parent.glob(f"*{suffix}"))
    near = get_close_matches(path.name, files, n=1) or [name for name in files if name == f"{path.name}{suffix}"]
    if near:
        return f"did you mean {path.with_name(near[0])}?"
    few = ", ".join(str(path.with_name(name)) for name in files[:3])
    return f"beside it there would be {few}" if few else None


def _beginning(path: Path) -> bytes:
    try:
        return read_regular_file(path, 16)
    except OSError:
        return b""
