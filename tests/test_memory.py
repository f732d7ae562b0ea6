"""What is free: the least of what the machine has and what each limit leaves, read from trees like those of Linux."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from layerkit.memory import free_memory, size_text

MIB = 2**20
UNLIMITED_V1 = "9223372036854771712"
"""What version 1 of control groups writes where there is no limit."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give the root of a machine with 1,000 MiB free, and a process of 100 MiB, 40 of them data, that nothing limits."""
    write(tmp_path / "proc/meminfo", f"MemTotal: {4000 * 1024} kB\nMemFree: 16 kB\nMemAvailable:   {1000 * 1024} kB\n")
    write(tmp_path / "proc/self/status", f"Name:\tpython\nVmPeak:\t 9 kB\nVmSize:\t{100 * 1024} kB\nVmData:\t {40 * 1024} kB\n")
    write(tmp_path / "proc/self/limits", limits())
    write(tmp_path / "proc/self/cgroup", "0::/\n")
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def limits(address_space: object = "unlimited", data: object = "unlimited") -> str:
    return (
        "Limit                     Soft Limit           Hard Limit           Units     \n"
        f"Max data size             {data!s:<20} unlimited            bytes     \n"
        "Max stack size            8388608              unlimited            bytes     \n"
        "Max locked memory         8388608              8388608              bytes     \n"
        f"Max address space         {address_space!s:<20} unlimited            bytes     \n"
    )


def group(folder: Path, version: int, limit: object, used: object, idle: int = 0) -> None:
    """Write the files of a control group; ``idle`` is what it holds of files that nothing uses."""
    if version == 1:
        names, key = ("memory.limit_in_bytes", "memory.usage_in_bytes"), "total_inactive_file"
    else:
        names, key = ("memory.max", "memory.current"), "inactive_file"
    write(folder / names[0], f"{limit}\n")
    write(folder / names[1], f"{used}\n")
    write(folder / "memory.stat", f"cache 7\nactive_file 5\n{key} {idle}\n")


# --- the machine --------------------------------------------------------------------------------------------------


def test_without_limits_all_that_the_machine_has_available_is_free(root: Path) -> None:
    assert free_memory(root) == 1000 * MIB


def test_it_is_read_each_time(root: Path) -> None:
    free_memory(root)
    write(root / "proc/meminfo", "MemAvailable: 5 kB\n")
    assert free_memory(root) == 5 * 1024


@pytest.mark.parametrize("meminfo", ["MemTotal: 16 kB\n", None], ids=["an old kernel", "no proc"])
def test_a_machine_that_does_not_say_what_is_free_is_taken_to_be_empty(root: Path, meminfo: str | None) -> None:
    (root / "proc/meminfo").unlink()
    if meminfo:
        write(root / "proc/meminfo", meminfo)
    assert free_memory(root) == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def test_this_machine_has_some() -> None:
    assert MIB < free_memory() < 2**50


def test_windows_is_asked_in_its_own_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(reference: Any) -> int:
        status = reference._obj
        assert status.length == ctypes.sizeof(status) == 64
        status.available, status.available_page_file, status.available_virtual = 3 * MIB, 2 * MIB, 2**47
        return 1

    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.delattr(os, "sysconf")
    windll = SimpleNamespace(kernel32=SimpleNamespace(GlobalMemoryStatusEx=answer))
    monkeypatch.setattr(ctypes, "windll", windll, raising=False)
    assert free_memory(tmp_path) == 2 * MIB


# --- the process --------------------------------------------------------------------------------------------------


def test_a_limit_of_the_address_space_leaves_what_is_not_mapped(root: Path) -> None:
    write(root / "proc/self/limits", limits(address_space=300 * MIB))
    assert free_memory(root) == 200 * MIB


def test_a_limit_of_the_data_leaves_what_is_not_taken(root: Path) -> None:
    write(root / "proc/self/limits", limits(data=300 * MIB, address_space=900 * MIB))
    assert free_memory(root) == 260 * MIB


def test_more_taken_than_allowed_leaves_nothing(root: Path) -> None:
    write(root / "proc/self/limits", limits(address_space=50 * MIB))
    assert free_memory(root) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="the limits of other systems are not read")
def test_a_limited_process_knows_its_limit() -> None:
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))\n"
        "from layerkit.memory import free_memory; print(free_memory())"
    )
    free = int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    assert free < 2**31


# --- the control groups -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [1, 2])
class TestControlGroups:
    """A container is limited by its control group and by those above it."""

    def tree(self, root: Path, version: int, path: str) -> Path:
        """Put the process into the group at ``path`` and return the root of the tree of groups."""
        lines = {1: f"5:cpu,cpuacct:/elsewhere\n4:hugetlb,memory:{path}\n1:name=systemd:/\n", 2: f"0::{path}\n"}
        write(root / "proc/self/cgroup", lines[version])
        return root / ("sys/fs/cgroup" if version == 2 else "sys/fs/cgroup/memory")

    def test_a_group_leaves_what_it_has_not_used(self, root: Path, version: int) -> None:
        group(self.tree(root, version, "/user/job") / "user/job", version, 300 * MIB, 100 * MIB)
        assert free_memory(root) == 200 * MIB

    def test_files_that_nothing_uses_give_way(self, root: Path, version: int) -> None:
        group(self.tree(root, version, "/job") / "job", version, 300 * MIB, 290 * MIB, idle=250 * MIB)
        assert free_memory(root) == 260 * MIB

    def test_groups_above_count_too(self, root: Path, version: int) -> None:
        tree = self.tree(root, version, "/user/job")
        group(tree / "user/job", version, 300 * MIB, 100 * MIB)
        group(tree / "user", version, 400 * MIB, 250 * MIB)
        assert free_memory(root) == 150 * MIB

    @pytest.mark.parametrize("path", ["/docker/4f1e", "/../docker/4f1e", "/"])
    def test_in_a_container_the_root_of_the_tree_is_its_own_group(self, root: Path, version: int, path: str) -> None:
        group(self.tree(root, version, path), version, 300 * MIB, 100 * MIB)
        assert free_memory(root) == 200 * MIB

    def test_a_group_without_limit_limits_nothing(self, root: Path, version: int) -> None:
        group(self.tree(root, version, "/job") / "job", version, UNLIMITED_V1 if version == 1 else "max", 2**62)
        assert free_memory(root) == 1000 * MIB

    def test_a_limit_without_a_figure_of_what_is_used_limits_nothing(self, root: Path, version: int) -> None:
        folder = self.tree(root, version, "/job") / "job"
        group(folder, version, 300 * MIB, 0)
        (folder / ("memory.current" if version == 2 else "memory.usage_in_bytes")).unlink()
        assert free_memory(root) == 1000 * MIB

    def test_groups_for_other_things_say_nothing(self, root: Path, version: int) -> None:
        tree = self.tree(root, version, "/job")
        group(tree / "elsewhere", version, 1, 0)
        assert free_memory(root) == 1000 * MIB


# --- sizes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (2**20, "1.0 MiB"),
        (5 * 2**30, "5.0 GiB"),
        (2**40 - 2**30, "1023.0 GiB"),
        (2**40, "1.0 TiB"),
        (2**50, "1.0 PiB"),
        (2**60, "1 EiB"),
        (2**63, "8 EiB"),
        pytest.param(10**5000, "9.29e+282 EiB", id="5000 digits"),
    ],
)
def test_sizes_are_written_for_people(count: int, text: str) -> None:
    assert size_text(count) == text
