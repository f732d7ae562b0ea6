#!/usr/bin/env bash
# What `layerkit plugin new` makes installs, passes its own tests and trains: with the wheel $1, in a fresh place outside the repository.
set -euo pipefail
wheel=$(realpath "$1")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

python3 -m venv venv
. venv/bin/activate
pip install --quiet "$wheel" pytest

layerkit plugin new swoosh
cd layerkit-swoosh
pip install --quiet -e .
python -m pytest -W error
layerkit train specs/digits_swoosh.json
layerkit components swoosh
layerkit doctor
