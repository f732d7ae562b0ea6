#!/usr/bin/env bash
# The oldest versions that pyproject admits do the main job and, with the oldest tools, pass the tests.
set -euo pipefail
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

python3 -m venv "$scratch/venv"
. "$scratch/venv/bin/activate"
pip install --quiet uv

oldest() { uv pip install --quiet --resolution lowest-direct "$@"; } # of a source tree; what a wheel needs would come new

all_at_their_lower_bounds_but() { # the names of those that something else wants newer
  python - "$@" <<'EOF'
import sys, tomllib
from importlib.metadata import version
from packaging.requirements import Requirement

with open("pyproject.toml", "rb") as file:
    needed = [Requirement(line) for line in tomllib.load(file)["project"]["dependencies"]]
for item in needed:
    (bound,) = item.specifier
    found = version(item.name)
    print(f"{item} is {found}")
    if item.name not in sys.argv and found not in Requirement(f"x=={bound.version}.*").specifier:
        sys.exit(f"{item.name} {found} is not the oldest that {item} admits")
EOF
}

oldest .
all_at_their_lower_bounds_but
python -W error -m layerkit train specs/digits_mlp.json --out "$scratch/run" | tee "$scratch/table"
grep -qx 'test set accuracy = 0.938' "$scratch/table"
python -W error -m layerkit doctor

oldest -e ".[dev]" -e plugins/layerkit-swish -e "plugins/layerkit-vision[mnist]" -e plugins/layerkit-residual -e plugins/layerkit-tensorboard
all_at_their_lower_bounds_but click packaging # the runner of tests, and what builds packages
python -m pytest
