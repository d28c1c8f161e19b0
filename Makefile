# The commands of the course. Each does its own set-up in .venv; `make help` lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check
REQUIREMENTS := requirements.txt requirements-accuracy.txt requirements-bench.txt
UV     := $(BIN)/python -m uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate $(UPGRADE)
CHAPTERS := $(sort $(wildcard book/0*.md))

# Kernels run in book/, so a relative folder would be looked for in the wrong place.
ifdef HWLIB_DATA
export HWLIB_DATA := $(abspath $(HWLIB_DATA))
endif

.DEFAULT_GOAL := help
.PHONY: help book test lint unit site linkcheck nbval notebooks networks alive student lab serve \
        equations accuracy  bench benchbook sweep lock upgrade lowest licences audit clean

help:  ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1|/' | column -t -s '|'

book: $(VENV)/book-installed  ## build the website from the stored outputs into _build/html
	$(BIN)/python -m tools.build_book

test: lint unit site nbval  ## run everything: style, types, unit tests, and every chapter again

lint: $(VENV)/all-installed  ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

unit: $(VENV)/all-installed  ## run the unit, property, gradient and equation tests, with coverage
	HWLIB_STAND_IN=1 $(BIN)/python -m pytest tests --ignore=tests/site --cov -n auto --dist loadfile

site: $(VENV)/all-installed  ## load every page of the website in Chromium and check it
	$(BIN)/python -m pytest tests/site -n auto

linkcheck: $(VENV)/book-installed  ## look up every outside link (needs the network)
	PYTHONPATH=. $(BIN)/jupyter-book build --builder linkcheck --path-output _build/linkcheck .

nbval: $(VENV)/all-installed  ## re-execute every chapter and compare with its stored outputs
	HWLIB_STAND_IN=1 $(BIN)/python -m pytest --nbval --nbval-cell-timeout=1200 --durations=5 book

notebooks: $(VENV)/all-installed  ## run all experiments anew on the real data and store their outputs
	$(BIN)/python -m tools.notebooks $(CHAPTERS)

networks: $(VENV)/all-installed  ## train the networks that run in the page, and store them
	$(BIN)/python -m studies.networks

alive: $(VENV)/all-installed  ## write the numbers that the interactive figures read
	$(BIN)/python -m studies.figures

student: $(VENV)/all-installed  ## generate the students' notebooks, the instructor's edition, and archives
	$(BIN)/python -m tools.editions.student _build

lab: $(VENV)/all-installed  ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab book

serve: book  ## build the website and serve it at http://localhost:8000
	$(BIN)/python -m http.server --directory _build/html 8000

equations: $(VENV)/all-installed  ## check every displayed equation and print how each was decided
	$(BIN)/python -m tools.equations

accuracy: $(VENV)/accuracy-installed  ## measure the accuracy of the loss here and in four libraries
	$(BIN)/python -m studies.accuracy

lock: $(VENV)/maintain-installed  ## write constraints.txt and requirements.lock anew from the pins
	$(UV) $(REQUIREMENTS) -o constraints.txt
	$(UV) --generate-hashes requirements.txt -c constraints.txt -o requirements.lock

upgrade: $(VENV)/maintain-installed  ## move every pin to the newest version, and lock
	$(BIN)/python -m tools.upgrade
	$(MAKE) lock UPGRADE=--upgrade

lowest: $(VENV)/maintain-installed  ## run the tests with the lowest versions that pyproject.toml admits
	$(BIN)/python -m tools.lowest

licences: $(VENV)/all-installed $(VENV)/maintain-installed  ## list the licences of all dependencies
	$(BIN)/pip-licenses --order=license --format=markdown

audit: $(VENV)/maintain-installed  ## look all dependencies up among known vulnerabilities (network)
	$(BIN)/pip-audit --strict --require-hashes --disable-pip -r requirements.lock

sweep: $(VENV)/all-installed  ## run the experiment of chapter 8, or continue it
	nice $(BIN)/python -m studies.ranking

bench: $(VENV)/bench-installed book  ## compare the speed with what readers use instead, and with the floor
	$(BIN)/python -m studies.speed speed

benchbook: $(VENV)/bench-installed  ## time each chapter, and measure its memory
	$(BIN)/python -m studies.speed chapters

clean:  ## remove what was built, but not the environment
	rm -rf _build

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Python 3.11 or newer is needed"'
	$(PYTHON) -m venv $(VENV)

$(VENV)/book-installed: requirements-book.txt requirements.txt constraints.txt | $(VENV)/bin/python
	$(PIP) -r requirements-book.txt -c constraints.txt
	@touch $@

$(VENV)/all-installed: requirements.txt constraints.txt pyproject.toml | $(VENV)/bin/python
	$(PIP) -r requirements.txt -c constraints.txt
	$(PIP) --no-deps --editable .
	@touch $@ $(VENV)/book-installed

$(VENV)/accuracy-installed: requirements-accuracy.txt $(VENV)/all-installed
	$(PIP) -r requirements-accuracy.txt -c constraints.txt
	@touch $@

$(VENV)/maintain-installed: requirements-maintain.txt | $(VENV)/bin/python
	$(PIP) -r requirements-maintain.txt -c constraints.txt
	@touch $@

$(VENV)/bench-installed: requirements-bench.txt $(VENV)/all-installed
	$(PIP) -r requirements-bench.txt -c constraints.txt
	@touch $@
