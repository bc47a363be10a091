# `make run` starts the example, `make test` proves the project. Both work on a fresh
# machine with Python 3.11 or newer, make and (for missing system packages) apt.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest

.PHONY: run test test-thorough check bench format smoke clean

run: $(VENV)/installed
	cd examples/hello && ../../$(BIN)/wiverno run dev

test: check
	$(PYTEST) -m "not thorough"

# The counts that the promises are stated with. The result is kept in the repository.
test-thorough: $(VENV)/installed-dev
	PYTEST="$(PYTEST)" sh tests/record_thorough_run.sh

check: $(VENV)/installed-dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/installed-dev
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

# Times, with raw results in benchmarks/results. Never asserted in tests.
bench: $(VENV)/installed-dev
	$(BIN)/python -m benchmarks.restart
	$(BIN)/python -m benchmarks.gate

# A new project through development and production, on any Python: make smoke PYTHON=python3.13
smoke:
	PYTHON="$(PYTHON)" sh tests/smoke.sh

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(VENV)/installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/installed-dev: pyproject.toml | $(VENV)/bin/python system-packages
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	touch $@ $(VENV)/installed

# Debian's Python comes without venv; a Python that has it needs no package.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "wiverno needs Python 3.11 or newer; try make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	    { apt-get update && apt-get install --yes python3-venv; }
	$(PYTHON) -m venv $(VENV)

# What the tests need beside Python.
.PHONY: system-packages
system-packages:
	@command -v git >/dev/null || { apt-get update && apt-get install --yes git; }
