#!/bin/sh
# Install wiverno for $PYTHON into an environment of its own and run the smoke test with it.
set -eu
environment=$(mktemp -d)
trap 'rm -rf "$environment"' EXIT
"$PYTHON" -m venv "$environment"
"$environment/bin/python" -m pip install --quiet --disable-pip-version-check .
"$environment/bin/python" -W error -m tests.smoke
