# Every target has a `## text`; `make` or `make help` prints them.
DATA_DIR ?= data
PORT ?= 8080
# For `make faults`: the random seed and the duration. Empty: the tests' defaults.
SEED ?=
SECONDS ?=
# Seconds after which a hanging test run is stopped, with its summary; not the expected duration.
TEST_LIMIT ?= 9000

BIN := .venv/bin
PYTEST := timeout --foreground --signal=INT --kill-after=60 $(TEST_LIMIT) $(BIN)/pytest
# No time limit: the long tests run one after the other and take as long as SECONDS says.
FAULT_PYTEST := $(BIN)/pytest -n 2 --dist loadgroup
# Many tests wait for a deadline or for another process: three workers keep two cores busy.
PARALLEL := -n 3 --dist loadgroup
OURS := contracts shared services tests

.DEFAULT_GOAL := help
.PHONY: help setup run test test-fast faults browsers lint lint-types lint-files sbom audit format contracts bench bench-reading bench-glass bench-start bench-audit bench-copying bench-growth bench-search bench-desk bench-audit-log soak lock pictures clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## create .venv with the locked dependencies and the project; does nothing if nothing changed
	@bash deploy/setup.sh

run: setup ## run everything in one process with demo data on PORT (8080) in DATA_DIR (data)
	$(BIN)/tongyuan up --demo --data-dir "$(DATA_DIR)" --port "$(PORT)"

test: setup ## run all tests except the long ones, with their own servers
	$(PYTEST) $(PARALLEL) -m "not long and not lint"

test-fast: setup ## run the unit and contract tests that need no servers
	$(PYTEST) $(PARALLEL) tests/unit tests/contract -m "not servers and not lint"

faults: setup ## run the fault tests, long ones included; SEED=7 SECONDS=600 set the random seed and the duration
	TONGYUAN_FAULT_SEED=$(SEED) TONGYUAN_FAULT_SECONDS=$(SECONDS) $(FAULT_PYTEST) tests/faults

browsers: setup ## run the browser tests, every one in both browsers
	$(PYTEST) $(PARALLEL) tests/browser

lint: setup ## check style, types, imports, generated pages, and advisories if they are reachable
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint-types lint-files

# Types take about as long as everything else together, so the two run side by side.
lint-types: setup ## the part of `make lint` that checks types
	$(BIN)/mypy --strict contracts shared services tests/harness clients/python/tongyuan_client

lint-files: setup ## the rest of `make lint`
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/deptry contracts shared services
	$(BIN)/pytest -q -m lint tests/unit tests/faults
	$(BIN)/python deploy/sbom.py --check
	$(BIN)/python deploy/audit.py --if-reachable

sbom: setup ## write every runtime component with its licence to docs/security/sbom.json
	$(BIN)/python deploy/sbom.py

audit: setup ## look up advisories for every locked version; fails if the service is not reachable
	$(BIN)/python deploy/audit.py

format: setup ## format the code
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

contracts: setup ## generate the schemas, examples and documents from contracts/ and the HTTP apps
	$(BIN)/python -m tests.harness.contract_examples
	$(BIN)/python -m tests.harness.webhook_vectors
	$(BIN)/python -m contracts
	$(BIN)/python -m services.deployment.asyncapi
	$(BIN)/python -m services.runtime.openapi
	$(BIN)/python -m services.deployment.gateway

bench: setup ## measure throughput and latency on this machine
	PYTHONPATH=. $(BIN)/python tests/bench/run.py

bench-reading: setup ## measure how many readers and screens one process can serve
	PYTHONPATH=. $(BIN)/python tests/bench/reading.py

bench-glass: setup ## measure the time from a release to a kiosk's display in a real browser
	PYTHONPATH=. $(BIN)/python tests/bench/glass.py

bench-start: setup ## measure a channel's start with a million entries, with and without a snapshot; about eight minutes
	PYTHONPATH=. $(BIN)/python tests/bench/start.py

bench-audit: setup ## measure an audit round over 2,000 items; about twenty minutes
	PYTHONPATH=. $(BIN)/python tests/bench/auditing.py

bench-copying: setup ## count the bytes that an app transfers for a copy of 1,135 real items
	PYTHONPATH=. $(BIN)/python tests/bench/copying.py

bench-growth: setup ## measure what costs more from 1,000 to 20,000 documents; about fifteen minutes
	PYTHONPATH=. $(BIN)/python tests/bench/growth.py

bench-search: setup ## time 200 questions at 10,000 items
	PYTHONPATH=. $(BIN)/python tests/bench/searching.py

bench-desk: setup ## time each page of the desk at 5,000 items, 100,000 cases and a million audit rows; about eight minutes
	$(BIN)/python -m tests.bench.desk

bench-audit-log: setup ## time each search of an audit log of a million rows, with both databases; about ten minutes
	PYTHONPATH=. $(BIN)/python tests/bench/audit_log.py

soak: setup ## read from a county for forty minutes and measure memory growth; fails above 5 MB per hour
	PYTHONPATH=. $(BIN)/python tests/bench/soak.py

lock: setup ## pin the newest versions that pyproject.toml allows, with hashes; runtime.lock is the runtime part
	$(BIN)/pip-compile -q --upgrade --all-extras --generate-hashes --allow-unsafe --strip-extras --no-header \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options \
		-o requirements.lock pyproject.toml
	$(BIN)/python deploy/runtime_lock.py pyproject.toml requirements.lock runtime.lock
	$(BIN)/pip-compile -q --upgrade --generate-hashes --allow-unsafe --strip-extras --no-header \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options \
		-o tests/harness/helm/requirements.lock tests/harness/helm/requirements.in

pictures: setup ## take the screenshots of README and desk again, of a demo county in a real browser
	$(BIN)/python -m tests.harness.pictures

clean: ## remove all caches; .venv and data stay
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build *.egg-info
	find $(OURS) -name __pycache__ -type d -prune -exec rm -rf {} +
