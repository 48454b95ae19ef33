# Every task of the house. `make help` lists them.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q install --require-hashes
COMPILE := uv pip compile -q --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-header --no-annotate

.DEFAULT_GOAL := help
.PHONY: help setup run test test-long attacks e2e fuzz bench-copies bench-erasure check fix docs lock

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed (Debian, Ubuntu: apt-get install python3)."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; this is $$($(PYTHON) --version). Name another: make PYTHON=/path/to/python3.11 …"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "Python's venv module is missing. Install it (Debian, Ubuntu: apt-get install python3-venv) and repeat."; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/installed: $(VENV)/python requirements.txt
	@echo "Installing what requirements.txt names (hash-checked) …"
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.txt
	@echo "Installing what requirements-dev.txt names (hash-checked) …"
	@$(PIP) -r requirements-dev.txt
	@touch $@

setup: $(VENV)/installed ## install what the service needs, nothing else

run: setup ## start everything: server, worker, sweep (PORT=8000 DATABASE_URL=… DEMO=1)
	@exec $(BIN)/python manage.py serve --first-start $(if $(filter-out 0,$(DEMO)),--demo)

test: $(VENV)/installed-dev ## everything, on SQLite and on a real PostgreSQL (ARGS go to pytest)
	@$(BIN)/python -m tests $(ARGS)

test-long: $(VENV)/installed-dev ## the same with nothing left out: door matrices in full on both databases, more rounds
	@TEST_LONG=1 KILL_ROUNDS=25 $(BIN)/python -m tests

attacks: $(VENV)/installed-dev ## what was found elsewhere, tried here on both databases (docs/attacks.md)
	@$(BIN)/python -m tests.attacks.known $(ARGS)

e2e: $(VENV)/installed-dev ## the service in a real browser, Debian's chromium (a part of make test)
	@$(BIN)/python -m pytest tests/e2e $(ARGS)

fuzz: $(VENV)/installed-dev ## ask the API what nobody would ask, at length (FUZZ_EXAMPLES requests of each kind)
	@FUZZ_EXAMPLES=$(or $(FUZZ_EXAMPLES),200) $(BIN)/python -m tests tests/accounts/api/test_schema.py

bench-copies: $(VENV)/installed-dev ## hand over 100,000 events of one person, on both databases: time and memory (ARGS="EVENTS")
	@$(BIN)/python -m tests.bench copies $(ARGS)

bench-erasure: $(VENV)/installed-dev ## erase 1,000 of 100,000 people, on both databases: rates and ratios (ARGS="PEOPLE ERASED")
	@$(BIN)/python -m tests.bench erasure $(ARGS)

check: $(VENV)/installed-dev ## style, types, import direction, settings, migrations
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy .
	@$(BIN)/lint-imports
	@$(BIN)/python -m tests.checks

fix: $(VENV)/installed-dev ## let ruff mend what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: $(VENV)/installed-dev ## write the generated pages of docs/ anew
	@$(BIN)/python -m tests.generated

lock: ## renew the lock files from pyproject.toml
	@command -v uv >/dev/null || { echo "uv is needed to renew the lock: python3 -m pip install uv"; exit 1; }
	$(COMPILE) pyproject.toml -o requirements.txt
	$(COMPILE) pyproject.toml --extra dev -o requirements-dev.txt
