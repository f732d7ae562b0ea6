"""Files that may be hostile to read, or that must never be found half written."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from layerkit.files import read_regular_file, reason, write_whole_file

CONTENT = bytes(range(256)) * 400


def names(folder: Path) -> list[str]:
    """Return what stands in a folder."""
    return sorted(entry.name for entry in folder.iterdir())


# --- reading ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "length"), [(None, len(CONTENT)), (10**9, len(CONTENT)), (len(CONTENT), len(CONTENT)), (1000, 1000), (0, 0)]
)
def test_a_regular_file_is_read_up_to_the_limit(tmp_path: Path, limit: int | None, length: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    assert read_regular_file(path, limit) == CONTENT[:length]


def test_a_link_to_a_regular_file_is_followed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    (tmp_path / "link").symlink_to("file")
    assert read_regular_file(tmp_path / "link") == CONTENT


@pytest.mark.parametrize("limit", [None, 10])
@pytest.mark.parametrize(
    "make",
    [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("/dev/zero"), lambda path: path.symlink_to("/dev/null")],
    ids=["directory", "pipe", "device without end", "device without content"],
)
def test_what_is_no_regular_file_is_refused(tmp_path: Path, make: Callable[[Path], object], limit: int | None) -> None:
    path = tmp_path / "strange"
    make(path)
    with pytest.raises(OSError, match="this is no regular file"):
        read_regular_file(path, limit)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("missing", "No such file or directory"),
        ("file/below", "Not a directory"),
        ("loop", "symbolic links"),
        ("n" * 300, "File name too long"),
        ("null\0character", "null"),
        ("lone surrogate \ud800", "surrogates not allowed"),
    ],
    ids=["missing", "below a file", "loop", "long name", "null character", "lone surrogate"],
)
def test_a_file_that_cannot_be_opened_says_why(tmp_path: Path, name: str, fault: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match=fault) as caught:
        read_regular_file(tmp_path / name)
    assert fault in reason(caught.value)


def test_a_file_is_closed_again(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    before = names(Path("/dev/fd"))
    read_regular_file(tmp_path / "file")
    with pytest.raises(OSError, match="no regular file"):
        read_regular_file(tmp_path)
    assert names(Path("/dev/fd")) == before


# --- writing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [None, b"", b"old and longer than what comes"])
@pytest.mark.parametrize("content", [b"", b"new", CONTENT], ids=["empty", "short", "long"])
def test_a_file_is_written_or_replaced_with_nothing_left_beside_it(tmp_path: Path, before: bytes | None, content: bytes) -> None:
    path = tmp_path / "file"
    if before is not None:
        path.write_bytes(before)
    write_whole_file(path, content)
    assert path.read_bytes() == content
    assert names(tmp_path) == ["file"]


def test_a_name_alone_stands_for_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_whole_file(Path("file"), CONTENT)
    assert (tmp_path / "file").read_bytes() == CONTENT


@pytest.mark.parametrize("before", [None, b"old"], ids=["new file", "old file"])
@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["disk", "interrupt"])
def test_a_write_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bytes | None, step: str, failure: BaseException
) -> None:
    path = tmp_path / "file"
    if before is not None:
        path.write_bytes(before)

    def fail(*arguments: object) -> None:
        raise failure

    with monkeypatch.context() as patch:
        patch.setattr(os, step, fail)
        with pytest.raises(type(failure)) as caught:
            write_whole_file(path, b"new")
    assert caught.value is failure
    assert {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()} == ({} if before is None else {"file": before})


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("nowhere/file", "No such file or directory"),
        ("other/file", "Not a directory"),
        ("folder", "Is a directory"),
        ("n" * 300, "File name too long"),
    ],
    ids=["no folder", "below a file", "a folder", "long name"],
)
def test_a_place_that_cannot_be_written_to_is_left_alone(tmp_path: Path, name: str, fault: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "other").write_bytes(b"mine")
    with pytest.raises(OSError, match=fault):
        write_whole_file(tmp_path / name, b"new")
    assert names(tmp_path) == ["folder", "other"]
    assert (tmp_path / "other").read_bytes() == b"mine"


def test_the_content_reaches_the_disk_before_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Moved into place first and flushed later, a crash of the machine would leave an empty file there."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    seen: list[tuple[bytes, int, list[str]]] = []
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        fsync(descriptor)
        seen.append((path.read_bytes(), os.fstat(descriptor).st_size, names(tmp_path)))

    monkeypatch.setattr(os, "fsync", watched)
    write_whole_file(path, b"newer")
    content, size, (beside, name) = seen[0]
    assert (content, size, name) == (b"old", len(b"newer"), "file")
    assert beside.startswith(".layerkit-")  # in the same folder: a move across disks would be a copy


WRITE = """
import os, sys
from pathlib import Path
from layerkit.files import write_whole_file

os.umask(int(sys.argv[1], 8))
del os.umask  # it can only be read by setting it, for every thread of the process
for path in sys.argv[2:]:
    write_whole_file(Path(path), b"new")
"""


def permissions(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize("umask", [0o000, 0o002, 0o022, 0o027, 0o077, 0o277])
def test_a_new_file_follows_the_umask_and_an_old_one_keeps_its_permissions(tmp_path: Path, umask: int) -> None:
    old = {mode: tmp_path / f"{mode:o}" for mode in (0o400, 0o600, 0o640, 0o644, 0o666, 0o755)}
    for mode, path in old.items():
        path.touch()
        path.chmod(mode)
    (tmp_path / "link").symlink_to("640")
    new = tmp_path / "new"
    subprocess.run([sys.executable, "-c", WRITE, f"{umask:o}", new, tmp_path / "link", *old.values()], check=True)
    assert permissions(new) == 0o666 & ~umask
    assert {mode: permissions(path) for mode, path in old.items()} == {mode: mode for mode in old}
    assert permissions(tmp_path / "link") == 0o640
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {b"new"}


def test_what_comes_is_never_open_to_more_than_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret"
    path.touch()
    path.chmod(0o600)
    seen: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: seen.append(os.fstat(descriptor).st_mode & 0o777))
    write_whole_file(path, CONTENT)
    assert seen == [0o600]


# --- reasons ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (FileNotFoundError(2, "No such file or directory", "/where"), "No such file or directory"),
        (FileNotFoundError(2, "No such file or directory", "/some/where"), "there is no folder /some"),
        (FileNotFoundError(2, "No such file or directory"), "No such file or directory"),
        (OSError("this is no regular file"), "this is no regular file"),
    ],
)
def test_a_reason_has_neither_path_nor_number(error: OSError, text: str) -> None:
    assert reason(error) == text


def test_a_null_character_in_the_path_of_a_write_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="null"):
        write_whole_file(tmp_path / "a\0b", b"content")


def test_the_longest_name_that_the_disk_takes_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    write_whole_file(path, b"content")
    assert path.read_bytes() == b"content"
