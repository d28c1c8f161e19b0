# The commands of the course. Each does its own set-up in .venv; `make help` lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check
CHAPTERS := $(sort $(wildcard book/0*.md))

# Kernels run in book/, so a relative folder would be looked for in the wrong place.
ifdef HWLIB_DATA
export HWLIB_DATA := $(abspath $(HWLIB_DATA))
endif

.DEFAULT_GOAL := help
.PHONY: help book test lint unit nbval notebooks student lab serve equations accuracy mutants clean

help:  ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1|/' | column -t -s '|'

book: $(VENV)/book-installed  ## build the website from the stored outputs into _build/html
	$(BIN)/python -m tools.build_book

test: lint unit nbval  ## run everything: style, types, unit tests, and every chapter again

lint: $(VENV)/all-installed  ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

unit: $(VENV)/all-installed  ## run the unit, property, gradient and equation tests
	HWLIB_STAND_IN=1 $(BIN)/python -m pytest tests

nbval: $(VENV)/all-installed  ## re-execute every chapter and compare with its stored outputs
	HWLIB_STAND_IN=1 $(BIN)/python -m pytest --nbval --nbval-cell-timeout=1200 --durations=5 book

notebooks: $(VENV)/all-installed  ## run all experiments anew on the real data and store their outputs
	$(BIN)/python -m tools.notebooks $(CHAPTERS)

student: $(VENV)/all-installed  ## generate the students' notebooks, the instructor's edition, and archives
	$(BIN)/python -m tools.student _build

lab: $(VENV)/all-installed  ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab book

serve: book  ## build the website and serve it at http://localhost:8000
	$(BIN)/python -m http.server --directory _build/html 8000

equations: $(VENV)/all-installed  ## check every displayed equation and print how each was decided
	$(BIN)/python -m tools.equations
	$(BIN)/python -m tools.equations --plant

clean:  ## remove what was built, but not the environment
	rm -rf _build

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Python 3.11 or newer is needed"'
	$(PYTHON) -m venv $(VENV)

$(VENV)/book-installed: requirements-book.txt requirements.txt | $(VENV)/bin/python
	$(PIP) -r requirements-book.txt
	@touch $@

$(VENV)/all-installed: requirements.txt pyproject.toml | $(VENV)/bin/python
	$(PIP) -r requirements.txt
	$(PIP) --no-deps --editable .
	@touch $@ $(VENV)/book-installed
