# `make run` starts the example, `make test` proves the project. Both work on a fresh
# machine with Python 3.11 or newer, make and (for missing system packages) apt.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
# The packages that `make test-heavy` needs, a gigabyte of them, stay apart.
HEAVY := .venv-heavy

# atheris instruments the interpreter that it is installed for.
FUZZ := .venv-fuzz
FUZZ_SECONDS ?= 60

# The Python of the servers that are compared. uvicorn-hmr of `make bench-reload` needs 3.12.
PEERS_PYTHON ?= $(BIN)/python
PEERS := .venv-peers
# The servers that `make bench-prod` compares.
PROD_PEERS := .venv-prod-peers
# The application classes that `make bench-application` compares.
APPLICATION_PEERS := .venv-application-peers

.PHONY: run test test-thorough test-frameworks test-heavy fuzz check bench bench-reload \
    bench-frameworks bench-prod bench-application soak docs format smoke clean

run: $(VENV)/installed
	cd examples/hello && ../../$(BIN)/wiverno run dev

test: check
	$(PYTEST) -n 2 --dist loadfile -m "not thorough and not heavy"

# The counts that the promises are stated with. The result is kept in the repository.
test-thorough: $(VENV)/installed-dev wrk
	PYTEST="$(PYTEST)" sh tests/record_run.sh thorough -n 2 --dist worksteal

# Frameworks in development and production, also part of the whole counts: two minutes. The
# table of docs/frameworks.md is made of the result.
test-frameworks: $(VENV)/installed-dev
	PYTEST="$(PYTEST)" sh tests/record_run.sh frameworks; status=$$?; \
	    $(BIN)/python -m tests.frameworks.table && exit $$status

# Which real packages a process may have imported when it forks. The result is kept, too.
test-heavy: $(HEAVY)/installed
	PYTEST="$(HEAVY)/bin/python -m pytest" sh tests/record_run.sh heavy

# Bytes that break an invariant of the request reader, or that it reads otherwise than h11 and
# httptools without a rule. What is learned stays in .fuzz: make fuzz FUZZ_SECONDS=600
fuzz: $(FUZZ)/installed
	$(FUZZ)/bin/python -m tests.core.server.reader.fuzz_request_reader invariants \
	    -max_total_time=$(FUZZ_SECONDS)
	$(FUZZ)/bin/python -m tests.core.server.reader.fuzz_request_reader differences \
	    -max_total_time=$(FUZZ_SECONDS)

check: $(VENV)/installed-dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/installed-dev
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

# What the pages say of the settings; a test fails when it is not what the settings are.
docs: $(VENV)/installed-dev
	$(BIN)/python -m tests.reference_page
	$(BIN)/python -m tests.core.server.reader.page

# Times, with raw results in benchmarks/results. Never asserted in tests.
bench: $(VENV)/installed-dev
	$(BIN)/python -m benchmarks.restart
	$(BIN)/python -m benchmarks.gate

# Save to fresh beside other servers. Takes more than an hour and wants a quiet machine.
bench-reload: $(PEERS)/installed
	$(BIN)/python -m benchmarks.reload run
	$(BIN)/python -m benchmarks.reload profile
	$(BIN)/python -m benchmarks.reload report

# The same with applications of frameworks, beside the servers that these bring. Half an hour.
bench-frameworks: $(PEERS)/installed
	$(BIN)/python -m benchmarks.reload run --suite frameworks
	$(BIN)/python -m benchmarks.reload profile --suite frameworks
	$(BIN)/python -m benchmarks.reload report --suite frameworks

$(PEERS)/installed: benchmarks/reload/requirements.txt | $(VENV)/installed-dev
	$(BIN)/python -m benchmarks.reload install --python $(PEERS_PYTHON)
	touch $@

# Throughput beside other servers. Takes twenty minutes and wants a quiet machine.
bench-prod: $(PROD_PEERS)/installed wrk
	$(BIN)/python -m benchmarks.prod run
	$(BIN)/python -m benchmarks.prod profile
	$(BIN)/python -m benchmarks.prod report

$(PROD_PEERS)/installed: benchmarks/prod/requirements.txt | $(VENV)/installed-dev
	$(BIN)/python -m benchmarks.prod install --python $(PEERS_PYTHON)
	touch $@

# What a call of the application class costs beside others. Takes seven minutes on a quiet machine.
bench-application: $(APPLICATION_PEERS)/installed
	$(BIN)/python -m benchmarks.application run
	$(BIN)/python -m benchmarks.application report

$(APPLICATION_PEERS)/installed: benchmarks/application/requirements.txt | $(VENV)/installed-dev
	$(BIN)/python -m benchmarks.application install --python $(PEERS_PYTHON)
	touch $@

# Ten minutes of abuse and load at once. Fails when the server grows, or lets a client wait.
soak: $(VENV)/installed-dev wrk
	$(BIN)/python -m benchmarks.soak

# A new project through development and production, on any Python: make smoke PYTHON=python3.13
smoke:
	PYTHON="$(PYTHON)" sh tests/smoke.sh

clean:
	rm -rf $(VENV) $(HEAVY) $(PEERS) $(PROD_PEERS) $(APPLICATION_PEERS) $(FUZZ)
	rm -rf .fuzz .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(VENV)/installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/installed-dev: pyproject.toml | $(VENV)/bin/python system-packages
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	touch $@ $(VENV)/installed

$(HEAVY)/installed: pyproject.toml | $(HEAVY)/bin/python
	$(HEAVY)/bin/python -m pip install --quiet --disable-pip-version-check \
	    --editable ".[test,heavy]"
	touch $@

$(FUZZ)/installed: pyproject.toml | $(FUZZ)/bin/python
	$(FUZZ)/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[fuzz]"
	touch $@

# Debian's Python comes without venv; a Python that has it needs no package.
$(VENV)/bin/python $(HEAVY)/bin/python $(FUZZ)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "wiverno needs Python 3.11 or newer; try make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	    { apt-get update && apt-get install --yes python3-venv; }
	$(PYTHON) -m venv $(@:/bin/python=)

# What the tests need beside Python.
.PHONY: system-packages
system-packages:
	@command -v git >/dev/null || { apt-get update && apt-get install --yes git; }

# What makes the load of the comparisons.
.PHONY: wrk
wrk:
	@command -v wrk >/dev/null || { apt-get update && apt-get install --yes wrk; }
