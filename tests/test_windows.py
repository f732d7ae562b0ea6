"""What layerkit does where only what Windows has is there: a process that has lost what is POSIX's does it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

SPEC = Path(__file__).parents[1] / "specs" / "digits_mlp.json"

SETTING = """
import builtins, ctypes, importlib, os, shutil, signal, sys, types, warnings

# What others need is imported first: it is their business what they do here.
for name in ("click", "click.testing", "numpy", "packaging.requirements", "pluggy", "pydantic", "pydantic.json_schema"):
    importlib.import_module(name)
for name in ("rich.console", "rich.progress", "rich.table", "safetensors.numpy", "sklearn.datasets", "threadpoolctl"):
    importlib.import_module(name)
import pydantic_core._pydantic_core
sys.modules["threadpoolctl"].threadpool_info = list  # it asks the system, which would have to be Windows

WINDOWS_HAS = {"SIGABRT", "SIGFPE", "SIGILL", "SIGINT", "SIGSEGV", "SIGTERM", "SIG_DFL", "SIG_IGN"}
for name in [name for name in vars(signal) if name.startswith("SIG") and name not in WINDOWS_HAS]:
    delattr(signal, name)
for name in ("alarm", "pthread_kill", "pthread_sigmask", "setitimer", "sigwait"):
    delattr(signal, name)
for name in (
    "O_CLOEXEC O_DIRECTORY O_DSYNC O_NOCTTY O_NOFOLLOW O_NONBLOCK O_SYNC chown chroot confstr ctermid fchdir fchmod fchown "
    "fdatasync fork forkpty getegid geteuid getgid getgroups getloadavg getpgid getpgrp getpriority getuid killpg lchown lockf "
    "mkfifo mknod nice openpty pathconf posix_fallocate posix_spawn pread preadv pwrite pwritev readv register_at_fork "
    "sched_getaffinity sched_yield setpgid setsid setuid statvfs sync sysconf sysconf_names tcgetpgrp ttyname uname "
    "wait wait3 wait4 writev"
).split():
    vars(os).pop(name, None)  # another POSIX may lack it too

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
    if event == "open" and str(arguments[0]).startswith(("/dev", "/proc", "/sys")):
        raise FileNotFoundError(2, "No such file or directory", arguments[0])

sys.addaudithook(no_linux)
sys.platform = "win32"
shutil._use_fd_functions = False

# A null device stands in every folder.
os.devnull = "nul"
with open(os.devnull, "wb"):
    pass

def memory_status(pointer):
    for name in ("available", "available_page_file", "available_virtual"):
        setattr(pointer._obj, name, 2**32)

ctypes.windll = types.SimpleNamespace(kernel32=types.SimpleNamespace(GlobalMemoryStatusEx=memory_status))

# What is open can be neither moved nor removed, and nothing can be moved into its place.
def while_closed(change):
    def changed(*paths, **options):
        for descriptor in os.listdir("/dev/fd"):
            for path in paths:
                try:
                    opened = os.path.samefile(f"/dev/fd/{descriptor}", path)
                except OSError:
                    continue
                if opened:
                    raise PermissionError(13, "Permission denied", str(path))
        return change(*paths, **options)
    return changed

for name in ("remove", "rename", "replace", "unlink"):
    setattr(os, name, while_closed(getattr(os, name)))

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
model.save(path)  # nothing of what was read is open
assert (layerkit.Sequential.load(path).parameters == before).all()
with open(path, "rb"):
    try:
        model.save(path)
    except layerkit.ModelFileError as error:
        assert str(error) == f"{path}: cannot write the file: Permission denied; choose another place", error
    else:
        raise AssertionError("an open file was written over")
assert not [name for name in os.listdir("run") if name.startswith(".")], os.listdir("run")
"""

COMMANDS = """
import json
from layerkit.cli.main import main

codes = {}
for command in json.loads(sys.argv[1]):
    sys.argv = ["layerkit", *command.split()]
    try:
        main()
        codes[command] = 0
    except SystemExit as end:
        codes[command] = end.code
print(json.dumps(codes), file=sys.stderr)
"""

CTRL_C = """
class Pressing:
    def __init__(self, stream):
        self.stream = stream

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def write(self, text):
        if text.startswith("Epoch"):
            signal.raise_signal(signal.SIGINT)
        return self.stream.write(text)

sys.stdout = Pressing(sys.stdout)
"""
"""Before what it is pressed in: at the first line that tells of an epoch."""

INTERRUPTED_FIT = """
import layerkit

model = layerkit.Sequential([layerkit.Affine(units=3), layerkit.CategoricalCrossEntropy()], input_shape=(4,))
with warnings.catch_warnings(record=True) as caught:
    history = model.fit([[0.0, 1.0, 2.0, 3.0]] * 6, [0, 1, 2] * 2, epochs=5, verbose=True)
assert len(history) == 1, history
assert str(caught[0].message).startswith("interrupted in epoch 1"), caught
"""

INTERRUPTED_RUN = """
from layerkit.cli.main import main

sys.argv = ["layerkit", "train", sys.argv[1], "--out", "run"]
main()
"""

LOST = {
    "os.O_NONBLOCK": "AttributeError",
    "os.sysconf('SC_PAGE_SIZE')": "AttributeError",
    "signal.SIGKILL": "AttributeError",
    "import fcntl": "ModuleNotFoundError",
    "import resource": "ModuleNotFoundError",
    "open('/dev/null', encoding='ascii')": "FileNotFoundError",
    "open('/proc/meminfo', encoding='ascii')": "FileNotFoundError",
    "open('/proc/self/maps', encoding='ascii')": "FileNotFoundError",
    "open('run.json', 'w')": "EncodingWarning",
    "with open('held', 'wb'): os.remove('held')": "PermissionError",
    "with open('held', 'wb'), open('other', 'wb'): os.replace('other', 'held')": "PermissionError",
    "print('\N{SNOWMAN}')": "UnicodeEncodeError",
}
"""What no part of layerkit gets through with in such a process, and why."""

TRY = f"""
for code in {list(LOST)}:
    try:
        exec(compile(code, "layerkit", "exec"), globals() | {{"__name__": "layerkit"}})
    except Exception as error:
        print(type(error).__name__)
"""


def run_as_on_windows(program: str, *arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program where only what Windows has is there, its console included."""
    return subprocess.run(
        [sys.executable, "-X", "warn_default_encoding", "-W", "ignore::EncodingWarning", "-c", SETTING + program, *arguments],
        capture_output=True,
        encoding="cp1252",
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
    )


def test_the_main_job_needs_no_posix(tmp_path: Path) -> None:
    result = run_as_on_windows(MAIN_JOB, SPEC, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("Epoch    0, loss = 8.5876\n")


def test_no_command_needs_posix(tmp_path: Path) -> None:
    (tmp_path / "net.json").write_text('{"layerkit": 1, "input_shape": [4], "layers": [{"type": "rleu"}]}')
    codes = {
        f"validate {SPEC}": 0,
        "validate net.json missing.json .": 2,
        f"train {SPEC} --set training.epochs=0": 2,
        f"summary {SPEC}": 0,
        "gradcheck affine": 0,
        "components": 0,
        "components xavier_uniform": 0,
        "schema": 0,
        "doctor": 0,
        "plugin new swoosh": 0,
        "--version": 0,
    }
    result = run_as_on_windows(COMMANDS, json.dumps(list(codes)), folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    assert json.loads(result.stderr.splitlines()[-1]) == codes, result.stderr
    assert "\N{PLUS-MINUS SIGN}sqrt(6 / (fan_in + fan_out))" in result.stdout


def test_ctrl_c_ends_a_fit_with_what_was_learnt(tmp_path: Path) -> None:
    result = run_as_on_windows(CTRL_C + INTERRUPTED_FIT, folder=tmp_path)
    assert result.returncode == 0, result.stderr


def test_ctrl_c_ends_a_run_with_130(tmp_path: Path) -> None:
    result = run_as_on_windows(CTRL_C + INTERRUPTED_RUN, SPEC, folder=tmp_path)
    assert result.returncode == 130, result.stderr
    assert "interrupted" in result.stderr
    assert "Traceback" not in result.stderr
    assert len((tmp_path / "run" / "history.jsonl").read_text().splitlines()) == 1


def test_such_a_process_lacks_what_windows_lacks(tmp_path: Path) -> None:
    result = run_as_on_windows(TRY, folder=tmp_path)
    assert result.stdout.split() == list(LOST.values()), result.stderr
