"""How much memory this process may still take, and how sizes are written for people."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from pathlib import Path


def free_memory(root: Path = Path("/"), to_be_mapped: int = 0) -> int:
    """Return the bytes that this process can still take: the least of what the machine has free and each limit leaves.

    The limits are those of the process (``ulimit -v`` and ``-d``) and of its control groups, which is what a container is
    given. They are read each time, since what is free changes.

    Parameters
    ----------
    root
        Where ``proc`` and ``sys`` stand. What is not there, as on other systems than Linux, limits nothing; without a word on
        what is free, all memory of the machine counts.
    to_be_mapped
        Bytes of address space that libraries will map when they are imported, to be left of the limits of the process: a library
        that cannot be mapped cannot be imported, though little of it is ever used.
    """
    available = _size(root / "proc/meminfo", "MemAvailable")
    machine = _memory_of_the_machine() if available is None else available
    process = [left - to_be_mapped for left in _left_to_the_process(root)]
    return max(0, min([machine, *process, *_left_to_the_groups(root)]))


def size_text(count: int) -> str:
    """Write a number of bytes as ``1.5 GiB``."""
    size = float(min(count, 2**1000))
    for unit in ("B", "KiB", "MiB", "GiB", "TiB", "PiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.3g} EiB"


def _left_to_the_process(root: Path) -> Iterator[int]:
    for line in _lines(root / "proc/self/limits"):
        for name, what in (("Max address space", "VmSize"), ("Max data size", "VmData")):
            if line.startswith(name):
                soft = line.removeprefix(name).split()[0]
                if soft.isdecimal():
                    yield int(soft) - (_size(root / "proc/self/status", what) or 0)


def _left_to_the_groups(root: Path) -> Iterator[int]:
    for line in _lines(root / "proc/self/cgroup"):
        controllers, _, path = line.partition(":")[2].partition(":")
        if not controllers:  # version 2: one tree for all controllers
            yield from _left_to_the_group(root / "sys/fs/cgroup", path, "memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            names = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
            yield from _left_to_the_group(root / "sys/fs/cgroup/memory", path, *names)


def _left_to_the_group(tree: Path, path: str, limit: str, usage: str, idle: str) -> Iterator[int]:
    """Yield what a control group and each group above it leave.

    In a container the path may be the one outside, and the container's own group the root of the tree: folders that are not
    there say nothing.
    """
    parts = path.strip("/").split("/")
    for depth in range(len(parts) + 1 if ".." not in parts else 1):
        folder = tree.joinpath(*parts[:depth])
        for text in _lines(folder / limit):
            used = _lines(folder / usage) if text.isdecimal() and int(text) < _NO_LIMIT else []
            if used:
                # Files that were read once stay in memory and count as used until the memory is wanted.
                cached = [int(line.split()[1]) for line in _lines(folder / "memory.stat") if line.split()[0] == idle]
                yield int(text) - int(used[0]) + sum(cached)


_NO_LIMIT = 2**62
"""Version 1 of control groups writes a number of about 2**63 where there is no limit."""


def _memory_of_the_machine() -> int:
    if sys.platform == "win32":
        status = _MemoryStatus(length=ctypes.sizeof(_MemoryStatus))
        ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
        return int(min(status.available, status.available_page_file, status.available_virtual))
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


class _MemoryStatus(ctypes.Structure):
    """``MEMORYSTATUSEX`` of the Windows API."""

    _fields_ = (
        ("length", ctypes.c_uint32),
        ("load", ctypes.c_uint32),
        ("total", ctypes.c_uint64),
        ("available", ctypes.c_uint64),
        ("total_page_file", ctypes.c_uint64),
        ("available_page_file", ctypes.c_uint64),
        ("total_virtual", ctypes.c_uint64),
        ("available_virtual", ctypes.c_uint64),
        ("available_extended_virtual", ctypes.c_uint64),
    )


def _size(path: Path, name: str) -> int | None:
    """Return what the line ``name:   123 kB`` of a file says, in bytes; None where there is no such line."""
    for line in _lines(path):
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return None


def _lines(path: Path) -> list[str]:
    """Return the lines of a file; none where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
