#!/usr/bin/env bash
# What is in the sdist $1 installs and passes the tests that are in it, in a fresh place outside the repository.
set -euo pipefail
sdist=$(realpath "$1")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

python3 -m venv venv
. venv/bin/activate
pip install --quiet "$sdist[dev]"

tar --extract --gzip --file "$sdist" --strip-components=1
rm -r layerkit # the tests are for what was installed
pytest tests
