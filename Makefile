# make demo: the whole story on a real Neo4j. make test: every check. make quick: what
# needs no server. make test-all: every case of those of which test runs a sample. All set
# up what they need; a machine needs Python >= 3.10 and make.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
NEO4J_2026 ?= 2026.08.1
# A worker for each core has a Neo4j of its own, of about 1 GB. Files are taken in their
# order: those that take longest are not the last.
PYTEST := $(BIN)/pytest --numprocesses=logical --maxprocesses=4 --dist=loadfile \
	--no-loadscope-reorder

.PHONY: demo test test-all quick test-crash test-matrix lint types architecture tests docs clean

demo: $(READY)
	PATH="$(CURDIR)/$(BIN):$$PATH" examples/demo.sh

test: lint types architecture tests

quick: lint types $(READY)
	$(PYTEST) -m "not server"

test-all: lint types architecture
	$(PYTEST) --all

test-matrix: $(READY)
	$(PYTEST)
	ALEMBIC_NEO4J_TEST_VERSION=$(NEO4J_2026) $(PYTEST)

test-crash: $(READY)
	$(BIN)/python -m tests.crash.sweep

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

architecture: $(READY)
	$(BIN)/lint-imports

tests: $(READY)
	$(PYTEST)

docs: $(READY)
	$(BIN)/sphinx-build -W -b html docs docs/_build/html

clean:
	if [ -d .neo4j ] && [ -x $(BIN)/alembic-neo4j ]; then \
		$(BIN)/alembic-neo4j local stop; \
	fi
	rm -rf $(VENV) .neo4j build dist docs/_build

$(READY): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "Python >= 3.10 is needed; set PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $(READY)
