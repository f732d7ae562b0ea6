"""The main job where only what Windows has is there: a process that has lost what is POSIX's does it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

SETTING = """
import builtins, ctypes, importlib, os, signal, sys, warnings

# What others need is imported first: it is their business what they do here.
for name in ("click", "click.testing", "numpy", "packaging.requirements", "pluggy", "pydantic", "pydantic.json_schema"):
    importlib.import_module(name)
for name in ("rich.console", "rich.progress", "rich.table", "safetensors.numpy", "sklearn.datasets", "threadpoolctl"):
    importlib.import_module(name)
import pydantic_core._pydantic_core

WINDOWS_HAS = {"SIGABRT", "SIGFPE", "SIGILL", "SIGINT", "SIGSEGV", "SIGTERM", "SIG_DFL", "SIG_IGN"}
for name in [name for name in vars(signal) if name.startswith("SIG") and name not in WINDOWS_HAS]:
    delattr(signal, name)
for name in ("alarm", "pthread_kill", "pthread_sigmask", "setitimer", "sigwait"):
    delattr(signal, name)
for name in (
    "O_CLOEXEC O_DIRECTORY O_NOCTTY O_NOFOLLOW O_NONBLOCK O_SYNC fchdir fchmod fchown chown chroot fork forkpty getegid geteuid "
    "getgid getgroups getloadavg getpgid getuid killpg lchown lockf mkfifo mknod nice openpty pread pwrite register_at_fork "
    "sched_getaffinity setsid setuid statvfs sync sysconf sysconf_names ttyname uname wait3 wait4"
).split():
    delattr(os, name)

MISSING = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
for name in MISSING & set(sys.modules):
    del sys.modules[name]
import_module = builtins.__import__

def import_what_windows_has(name, globals=None, locals=None, fromlist=(), level=0):
    if name.partition(".")[0] in MISSING:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    return import_module(name, globals, locals, fromlist, level)

builtins.__import__ = import_what_windows_has

def no_linux(event, arguments):
    if event == "open" and str(arguments[0]).startswith(("/dev", "/proc/self", "/sys")):
        raise FileNotFoundError(2, "No such file or directory", arguments[0])

sys.addaudithook(no_linux)
sys.platform = "win32"
# The encoding of a text file that names none is another one there.
warnings.filterwarnings("error", category=EncodingWarning, module="layerkit")
"""

MAIN_JOB = """
import pkgutil
from pathlib import Path

import layerkit, layerkit.files
for module in pkgutil.walk_packages(layerkit.__path__, "layerkit."):
    if "plugin_template" not in module.name:
        importlib.import_module(module.name)

from layerkit.cli.main import main
sys.argv = ["layerkit", "train", sys.argv[1], "--out", "run", "--set", "training.epochs=1"]
main()

path = Path("run/model.safetensors")
model = layerkit.Sequential.load(path)
before = model.parameters.copy()
model.save(path)
assert (layerkit.Sequential.load(path).parameters == before).all()
"""

LOST = {
    "os.O_NONBLOCK": "AttributeError",
    "os.sysconf('SC_PAGE_SIZE')": "AttributeError",
    "signal.SIGKILL": "AttributeError",
    "import fcntl": "ModuleNotFoundError",
    "import resource": "ModuleNotFoundError",
    "open('/dev/null', encoding='ascii')": "FileNotFoundError",
    "open('/proc/self/maps', encoding='ascii')": "FileNotFoundError",
    "open('run.json', 'w')": "EncodingWarning",
    "print('\\N{SNOWMAN}')": "UnicodeEncodeError",
}
"""What no part of layerkit gets through with in such a process, and why."""

TRY = f"""
for code in {list(LOST)}:
    try:
        exec(compile(code, "layerkit", "exec"), globals() | {{"__name__": "layerkit"}})
    except Exception as error:
        print(type(error).__name__)
"""


def run_as_on_windows(program: str, *arguments: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program where only what Windows has is there."""
    return subprocess.run(
        [sys.executable, "-X", "warn_default_encoding", "-W", "ignore::EncodingWarning", "-c", SETTING + program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
    )


def test_the_main_job_needs_no_posix(tmp_path: Path) -> None:
    result = run_as_on_windows(MAIN_JOB, ROOT / "specs" / "digits_mlp.json", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("Epoch    0, loss = 8.5876\n")


def test_such_a_process_lacks_what_windows_lacks(tmp_path: Path) -> None:
    result = run_as_on_windows(TRY, folder=tmp_path)
    assert result.stdout.split() == list(LOST.values()), result.stderr
