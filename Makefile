# Liên Thông. `make help` lists the words.
PYTHON ?= $(shell for p in python3.11 python3; do $$p -c "import sys; sys.exit(sys.version_info[:2] != (3, 11))" 2>/dev/null && echo $$p && break; done)
VENV   := .venv
BIN    := $(VENV)/bin
UV     := 0.13.9
# Three processes keep two cores busy; what they share is made once (tests/once.py).
PYTEST := $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder --durations 25
.DEFAULT_GOAL := help
# What was compiled once is not compiled again by every process of a run.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help demo test test-rest test-fast test-unit test-integration test-long test-spark coverage check format bench docs up up-stack down clean requirements

help: ## what each word does
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 18

demo: $(VENV)/.run ## the whole way once: a simulated country, Airflow, nine registries to the lake
	@$(BIN)/lienthong demo

up: $(VENV)/.run ## start the embedded servers and Airflow with its UI, and leave them running
	@$(BIN)/lienthong up

up-stack: $(VENV)/.dev ## the production stack of docker-compose.yaml as processes: Celery, PostgreSQL, Valkey, S3
	@$(BIN)/python -m include.embedded.production up

down: ## stop what `make up`, `make up-stack` or `make demo` started
	@if [ -d "$${LIENTHONG_VAR:-var}/stack" ]; then $(BIN)/python -m include.embedded.production down; fi
	@if [ -x $(BIN)/lienthong ]; then $(BIN)/lienthong down; else echo "Nothing is installed, so nothing runs."; fi

test: $(VENV)/.dev ## every promise, on real servers; ends by saying what this machine lacks to try the rest
	@$(PYTEST) -m "not spark and not long"

test-rest: $(VENV)/.dev ## what `make test` does not wait for, as its tests try at length what quick ones hold; PART=1/5 for a fifth
	@PART=$(PART) $(PYTEST) -m "long and not spark"

test-fast: $(VENV)/.dev ## before each commit, under 90 s: the quick tests, the DAGs, and a registry from its source to the lake
	@$(PYTEST) -m "not slow"

test-unit: $(VENV)/.dev ## while you write: tests/unit and tests/spec without the slow ones, in seconds; no server
	@$(PYTEST) -m "not slow" tests/unit tests/spec

test-integration: $(VENV)/.dev ## only the tests on real servers: PostgreSQL, MariaDB, S3, Airflow, browsers
	@$(PYTEST) -m "not spark and not long" tests/integration

test-long: $(VENV)/.dev ## before a release: all tests, with more days, kills, examples and combinations (tests/repeats.py)
	@LONG_TESTS=1 $(PYTEST) -m "not spark"

test-spark: $(VENV)/.dev ## syncs and linking on a Spark cluster of two workers, reading by Spark; installs PySpark (480 MB), needs Java 17
	@command -v java >/dev/null || { echo "No java on the search path: apt-get install openjdk-17-jre-headless"; exit 1; }
	@$(BIN)/uv pip install -q --python $(BIN)/python -r requirements-spark.txt
	@$(BIN)/python -m pytest -m spark

coverage: $(VENV)/.dev ## lines and branches of include/ and plugins/ that all tests reach; fails below pyproject.toml's figure
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m "not spark"
	@$(BIN)/coverage combine -q
	@$(BIN)/coverage report

check: $(VENV)/.dev ## lint, format, types, layers, contracts, generated docs
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/lienthong check
	@$(BIN)/python -m docs.generate --check
	@for contract in schemas/registries/*.odcs.yaml; do $(BIN)/datacontract lint $$contract >/dev/null && echo "datacontract lint $$contract: ok" || exit 1; done

format: $(VENV)/.dev ## let ruff lay out the code
	@$(BIN)/ruff check --fix-only -q . ; $(BIN)/ruff format .

bench: $(VENV)/.dev ## extraction and whole syncs by us and by other tools, 5,000,000 rows; `python -m benchmarks -h` for more
	@$(BIN)/python -m benchmarks --only extraction sync

docs: $(VENV)/.dev ## write the generated reference pages under docs/reference
	@$(BIN)/python -m docs.generate

clean: down ## stop everything and remove var/ (the lake included)
	@rm -rf var

requirements: $(VENV)/.dev ## compile the pinned requirements from requirements*.in
	@$(BIN)/uv pip compile -q requirements.in -o requirements.txt --python-version 3.11 --no-annotate --custom-compile-command "make requirements"
	@$(BIN)/uv pip compile -q requirements-recipient.in -o requirements-recipient.txt --python-version 3.11 --no-annotate --custom-compile-command "make requirements"
	@$(BIN)/uv pip compile -q requirements-dev.in -o requirements-dev.txt --python-version 3.11 --no-annotate --custom-compile-command "make requirements"

$(VENV)/.run: requirements.txt pyproject.toml
	@test -x $(BIN)/uv || { $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install -q --disable-pip-version-check uv==$(UV); }
	@echo "Installing the pinned requirements into $(VENV) ..."
	@$(BIN)/uv pip install -q --compile-bytecode --python $(BIN)/python -r requirements.txt
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.txt requirements-data.txt requirements-recipient.txt
	@$(BIN)/uv pip install -q --compile-bytecode --python $(BIN)/python -r requirements-dev.txt
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps -r requirements-data.txt
	@test -x $(VENV)/recipient/bin/python || $(BIN)/uv venv -q --python $(BIN)/python $(VENV)/recipient
	@$(BIN)/uv pip install -q --python $(VENV)/recipient/bin/python -r requirements-recipient.txt
	@touch $@
