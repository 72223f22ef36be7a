# Every target has `## text`; `make` or `make help` is the manual.
DATA_DIR ?= data
PORT ?= 8080
# Of `make faults`: the seed that draws the faults, and for how long they go on. Empty: the tests' own.
SEED ?=
SECONDS ?=
# Seconds after which a test run that hangs is ended, with its summary. How long it takes is no promise of this number.
TEST_LIMIT ?= 3600

BIN := .venv/bin
PYTEST := timeout --foreground --signal=INT --kill-after=60 $(TEST_LIMIT) $(BIN)/pytest
# The long ones run one after the other, each with all of the machine, and have as long as they were given.
FAULT_PYTEST := $(BIN)/pytest -n 2 --dist loadgroup
PARALLEL := -n auto --maxprocesses 4 --dist loadgroup
OURS := contracts shared services tests

.DEFAULT_GOAL := help
.PHONY: help setup run test test-fast faults lint sbom audit format contracts bench bench-reading bench-glass bench-start bench-audit bench-copying soak lock pictures clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## make .venv with the locked dependencies and the project; does nothing when nothing changed
	@bash deploy/setup.sh

run: setup ## start everything in one process with demo data, on PORT (8080), in DATA_DIR (data)
	$(BIN)/tongyuan up --demo --data-dir "$(DATA_DIR)" --port "$(PORT)"

test: setup ## run all tests but the long ones, with private servers of their own
	$(PYTEST) $(PARALLEL) -m "not long and not lint"

test-fast: setup ## run the unit and contract tests that need no server
	$(PYTEST) $(PARALLEL) tests/unit tests/contract -m "not servers and not lint"

faults: setup ## break all that can be broken, the long way too; SEED=7 SECONDS=600 draw other faults, for as long
	TONGYUAN_FAULT_SEED=$(SEED) TONGYUAN_FAULT_SECONDS=$(SECONDS) $(FAULT_PYTEST) tests/faults

lint: setup ## check style, types, imports, pages and tables, and advisories where they can be asked for
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict contracts shared services tests/harness
	$(BIN)/lint-imports --no-logo
	$(BIN)/deptry contracts shared services
	$(BIN)/pytest -q -m lint tests/unit tests/faults
	$(BIN)/python deploy/sbom.py --check
	$(BIN)/python deploy/audit.py --if-reachable

sbom: setup ## list every component that runs, with its licence, in docs/security/sbom.json
	$(BIN)/python deploy/sbom.py

audit: setup ## ask for advisories about every locked version; fails when nobody can be asked
	$(BIN)/python deploy/audit.py

format: setup ## bring the code into its one form
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

contracts: setup ## write the schemas, examples and documents that follow from contracts/ and the HTTP apps
	$(BIN)/python -m tests.harness.contract_examples
	$(BIN)/python -m contracts
	$(BIN)/python -m services.deployment.asyncapi
	$(BIN)/python -m services.runtime.openapi
	$(BIN)/python -m services.deployment.gateway

bench: setup ## measure throughput and latency on this machine
	PYTHONPATH=. $(BIN)/python tests/bench/run.py

bench-reading: setup ## measure how many readers and screens one process serves
	PYTHONPATH=. $(BIN)/python tests/bench/reading.py

bench-glass: setup ## measure from a release to the glass of a kiosk, in a real browser
	PYTHONPATH=. $(BIN)/python tests/bench/glass.py

bench-start: setup ## measure how a channel starts before a million entries, with a snapshot and without; some eight minutes
	PYTHONPATH=. $(BIN)/python tests/bench/start.py

bench-audit: setup ## measure how long the auditor takes to come round 2,000 items; some twenty minutes
	PYTHONPATH=. $(BIN)/python tests/bench/auditing.py

bench-copying: setup ## count the bytes that a copy of 1,135 real items costs an app on the line
	PYTHONPATH=. $(BIN)/python tests/bench/copying.py

soak: setup ## read a county for forty minutes and measure by how much its memory grows; fails beyond 5 MB an hour
	PYTHONPATH=. $(BIN)/python tests/bench/soak.py

lock: setup ## pin the newest versions that pyproject.toml allows, with their hashes; runtime.lock is what of them runs
	$(BIN)/pip-compile -q --upgrade --all-extras --generate-hashes --allow-unsafe --strip-extras --no-header \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options \
		-o requirements.lock pyproject.toml
	$(BIN)/python deploy/runtime_lock.py pyproject.toml requirements.lock runtime.lock

pictures: setup ## take the README's pictures again, of a demo county in a real browser
	$(BIN)/python -m tests.harness.pictures

clean: ## remove every cache; .venv and data stay
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build *.egg-info
	find $(OURS) -name __pycache__ -type d -prune -exec rm -rf {} +
