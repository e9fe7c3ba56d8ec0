# `make run` sets up and opens the app; `make test` sets up and runs every gate. `make help` lists the rest.
# Kept to what GNU make 3.81 (macOS) understands.

.DEFAULT_GOAL := help
.PHONY: help install run test dev prepare lint types secrets deps unit e2e bench format lock clean

# The gates share one environment and two cores: `make -j` must not run them at once.
.NOTPARALLEL:

# The first interpreter that is new enough; PYTHON=... chooses another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
VENV ?= .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
PIP := $(BIN)/python -m pip --disable-pip-version-check
# What there is of the code so far: a folder joins the checks as soon as it exists.
CODE := $(wildcard app.py core components pages plugins migrations)
WORKERS ?= 2

help: ## Show this list
	@sed -n 's/^\([a-z0-9]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-16s %s\n", $$1, $$2 }'

install: $(VENV)/.base-installed ## Prepare .venv with what the app needs

run: install ## Set up and open the app
	$(BIN)/readback serve --open

dev: $(VENV)/.dev-installed ## Prepare .venv with what the tests need as well

test: dev lint types secrets deps unit e2e ## Set up and run every gate
	@echo "All gates passed."

lint: dev ## Style and likely mistakes (ruff)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: dev ## Types (mypy, strict)
	$(BIN)/mypy $(CODE)

LIST := git ls-files -z --cached --others --exclude-standard
# Tests of redaction and sign-in need made-up passwords; the forms of real keys are looked for there as well.
TEST_SECRETS := --disable-plugin KeywordDetector --disable-plugin BasicAuthDetector
secrets: dev ## No secret in any file
	$(LIST) -- . ':!tests' ':!requirements' | xargs -0 $(BIN)/detect-secrets-hook --no-verify
	$(LIST) -- tests | xargs -0 $(BIN)/detect-secrets-hook --no-verify $(TEST_SECRETS)

deps: dev ## Installed packages fit together, and fit the imports
	$(PIP) check
	$(BIN)/python -m pytest -q tests/test_dependencies.py

prepare: dev ## System parts that tests need: PostgreSQL, Chromium
	$(BIN)/python tests/prepare.py

unit: prepare ## Everything but the browser tests, with coverage
	$(BIN)/python -m pytest -n $(WORKERS) --cov --cov-report=term

e2e: prepare ## The real app in a browser
	$(BIN)/python -m pytest -m e2e tests/e2e

bench: prepare ## Speed and memory
	@for file in $$(grep -l '^if __name__ ==' tests/bench/*.py); do \
		echo "== $$file"; $(BIN)/python -m tests.bench.$$(basename $$file .py) || exit 1; done

format: dev ## Rewrite the code in the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# --universal: one file for every supported Python and system. Nothing about where packages come from is written.
LOCK := $(BIN)/uv pip compile pyproject.toml --group build --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet
lock: dev ## Compile requirements/*.txt again (LOCKFLAGS=--upgrade for newer versions)
	$(LOCK) $(LOCKFLAGS) -o requirements/base.txt
	$(LOCK) $(LOCKFLAGS) --extra dev -c requirements/base.txt -o requirements/dev.txt

clean: ## Remove the environment, caches and test output
	rm -rf $(VENV) build dist readback.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis htmlcov .coverage .coverage.*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/pyvenv.cfg:
	@test -n "$(PYTHON)" || { echo "Readback needs Python 3.11 or newer; none was found. See docs/troubleshooting.md." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "Could not make a virtual environment (Debian, Ubuntu: apt-get install python3-venv)." >&2; exit 1; }

# Linked from the tree rather than copied ("compat": a plain path entry, so a new folder needs no second install);
# the backend comes from the hashed requirements, hence no build isolation.
SELF := $(PIP) install --quiet --no-deps --no-build-isolation --config-settings editable_mode=compat -e .

$(VENV)/.base-installed: requirements/base.txt pyproject.toml $(VENV)/pyvenv.cfg
	$(PIP) install --quiet --require-hashes -r requirements/base.txt
	$(SELF)
	@touch $@

$(VENV)/.dev-installed: requirements/dev.txt pyproject.toml $(VENV)/pyvenv.cfg
	$(PIP) install --quiet --require-hashes -r requirements/dev.txt
	$(SELF)
	@touch $(VENV)/.base-installed $@
