# `make` alone lists what there is. Needs Python 3.11 or newer and, the first time, a network.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install
# One more than processors: many tests wait for something.
TEST_PROCESSES ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
TESTS ?= tests
SEED ?= 1

.DEFAULT_GOAL := help
.PHONY: seed-million help setup run test check bench mutants simulate screenshots lock clean browser faults storm faults-long

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## Make .venv from the lock file (nothing to do when it is current)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.12"; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv \
		|| { rm -rf .venv; echo "python3 -m venv failed: on Debian and Ubuntu, apt-get install python3-venv"; exit 1; }
	@echo "Installing the locked packages into .venv (about a minute the first time)"
	@$(PIP) --require-hashes --requirement requirements.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

run: setup ## Show the product alive with a sandbox Shopify, on http://127.0.0.1:8501
	@$(BIN)/shopsync demo || test $$? -eq 130

test: setup browser ## Run the whole suite (make test TESTS=tests/test_slo.py for a part)
	@$(BIN)/pytest -n $(TEST_PROCESSES) --maxprocesses 8 --dist loadfile --no-loadscope-reorder --ignore tests/benchmarks -rs $(TESTS)

check: setup ## Lint, look at the format, check the types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: setup ## Measure speed and memory; prints tables, judges nothing
	@$(BIN)/pytest -s -o "python_files=bench_*.py test_*.py" tests/benchmarks

seed-million: setup ## Make a million shops on PostgreSQL and 100,000 on SQLite, under var/million
	@$(BIN)/python -m tests.benchmarks.seed

mutants: setup ## Remove each rule of the lifecycle from a copy of the code: some test must fail
	@$(BIN)/python -m tests.mutants.run

simulate: setup ## Live a simulated month with faults at every turn (make simulate SEED=7)
	@$(BIN)/python -m tests.properties.simulation --seed $(SEED)

faults: setup ## Kill, pause, cut off and starve real processes for about 10 minutes; a table; fails when anything broke
	@$(BIN)/python -m tests.faults.run

faults-long: setup ## The same for about an hour and a half: 300 kills at the crash points, 300 at random, 200 zombies
	@$(BIN)/python -m tests.faults.run --long

storm: setup ## Sync 2,000 shops on three workers of a cluster, one killed every 5 s; a table; fails when anything broke
	@$(BIN)/python -m tests.faults.cluster_storm

screenshots: setup browser ## Take the pictures in docs/images again
	@$(BIN)/python -m tests.journeys.screenshots

lock: setup ## Choose package versions anew, after a change in pyproject.toml
	@$(BIN)/python -m uv --version >/dev/null 2>&1 || $(PIP) uv
	@$(BIN)/python -m uv pip compile pyproject.toml --all-extras --universal --generate-hashes \
		--no-emit-index-url --no-header -o requirements.lock

clean: ## Remove .venv, caches and the demo's data under var/
	@rm -rf .venv var build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find sync_core dashboard tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The browser's tests skip with the reason where no Chromium is found and none can be installed.
browser:
	@command -v chromium chromium-browser google-chrome >/dev/null || { \
		test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
		&& echo "Installing Chromium for the browser's tests" \
		&& apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; \
	} || echo "No Chromium, and none could be installed: the browser's tests will be skipped"
