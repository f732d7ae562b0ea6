"""The tutorial, followed word for word: its files are written, its commands run, and what it shows comes out."""

from __future__ import annotations

import re
import subprocess
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "writing-a-layer.md").read_text(encoding="utf-8")
PLUGIN = ROOT / "plugins" / "layerkit-swish"

_BLOCK = re.compile(
    r"(?P<skipped><!-- not followed -->\n)?(?:^`(?P<file>[^`\n]+)`\n\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
BLOCKS = [block for block in _BLOCK.finditer(PAGE) if not block["skipped"]]
FILES = {block["file"]: block["text"] for block in BLOCKS if block["file"]}
SHOWN = [line for block in BLOCKS if not block["language"] for line in block["text"].splitlines()]


def script() -> str:
    """Return what a reader does, in one shell: write each file where it is named, run each command."""
    steps = ["set -e"]
    for block in BLOCKS:
        if block["file"]:
            steps.append(f"cat > '{block['file']}' <<'END OF FILE'\n{block['text']}END OF FILE")
        elif block["language"] == "sh":
            steps.append(block["text"])
    return "\n".join(steps)


def without_digits(line: str) -> str:
    """Return a line of output in which only the figures may differ from one machine to another."""
    return re.sub(r"\d", "0", line)


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """Make a virtual environment in which everything of this one is installed, and that can be installed into.

    pip must find there what a reader's pip would fetch.
    """
    folder = tmp_path / "environment"
    venv.create(folder, symlinks=True)
    (site_packages,) = folder.glob("lib/*/site-packages")
    here = sysconfig.get_path("purelib")
    (site_packages / "zz_outer.pth").write_text(f"import site; site.addsitedir({here!r})\n")
    python = folder / "bin" / "python"
    for program, call in {
        "pip": '-m pip "$1" --no-index --no-build-isolation --quiet --disable-pip-version-check "${@:2}"',
        "layerkit": '-c "from layerkit.cli.main import main; main()" "$@"',
    }.items():
        path = folder / "bin" / program
        path.write_text(f"#!/usr/bin/env bash\nexec '{python}' {call}\n")
        path.chmod(0o755)
    return folder


def test_the_page_is_the_plugin() -> None:
    for path in ("layerkit_swish/__init__.py", "specs/digits_swish.json"):
        assert FILES[path] == (PLUGIN / path).read_text(encoding="utf-8")
    assert FILES.keys() == {"layerkit_swish/__init__.py", "pyproject.toml", "tests/test_swish.py", "specs/digits_swish.json"}


def test_the_walk_leads_to_a_trained_spec(environment: Path, tmp_path: Path) -> None:
    start = tmp_path / "start"
    start.mkdir()
    result = subprocess.run(
        ["bash", "-c", script()],
        cwd=start,
        env={"PATH": f"{environment / 'bin'}:/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    written = [without_digits(line) for line in result.stdout.splitlines()]
    assert len(SHOWN) == 9
    for line in map(without_digits, SHOWN):
        assert any(output.startswith(line) for output in written), f"{line!r} is not in\n{result.stdout}"
    assert float(result.stdout.split()[-1]) > 0.95
    run = start / "layerkit-swish" / "runs" / "digits-swish-001"
    assert b"layerkit-swish==0.1.0" in (run / "model.safetensors").read_bytes()
    where = [environment / "bin" / "python", "-c", "import layerkit_swish; print(layerkit_swish.__file__)"]
    used = subprocess.run(where, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert Path(used.stdout.strip()) == start / "layerkit-swish" / "layerkit_swish" / "__init__.py"
