# The commands of the course. Each sets up what it needs in .venv; `make` lists them.
PYTHON ?= python3
RUN    := .venv/bin/python
TEST   := $(RUN) -m pytest -p tools
BESIDE := -n auto --dist loadfile
UV     := $(RUN) -m uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest \
          --no-annotate --custom-compile-command "make lock" $(UPGRADE)
CHAPTERS := $(sort $(wildcard book/0*.md))

# Kernels run in book/, but a relative folder is meant from here. $(value ...) leaves $ and blanks.
ifdef HWLIB_DATA
override HWLIB_DATA := $(if $(filter /% ~%,$(firstword $(value HWLIB_DATA))),,$(CURDIR)/)$(value HWLIB_DATA)
export HWLIB_DATA
endif

# No pip works beside a build: in one make, the larger environment comes first.
ifneq (,$(filter-out help book serve linkcheck clean,$(MAKECMDGOALS)))
env-book: env-test
endif

.DEFAULT_GOAL := help
.PHONY: help book serve pdf lab test quick lint unit coverage equations site nbval elsewhere fresh student notebooks \
        alive networks sweep seeds accuracy bench benchbook mutants linkcheck lock upgrade licences audit \
        clean env-book env-test env-studies env-maintain

help:  # list the commands
	@sed -nE 's/^##@ (.*)/\n\1/p; s/^([a-z]+):.*## (.*)/  \1|\2/p' Makefile | \
	awk -F '|' 'NF > 1 { printf "%-13s%s\n", $$1, $$2; next } { print }'

##@ Read
book: env-book  ## build the website from the stored outputs into _build/html
	$(if $(filter no,$(SOLUTIONS)),HWLIB_WITHOUT_SOLUTIONS=1) $(RUN) -m tools.build_book

serve: book  ## build the website and serve it at http://localhost:8000
	$(RUN) -m http.server --directory _build/html 8000

pdf: env-test book  ## print the whole book as one PDF, _build/pdf/book.pdf (needs Chromium)
	$(RUN) -m tools.pdf

##@ Do
lab: env-test  ## open the notebooks in JupyterLab
	$(RUN) -m jupyterlab book

##@ Teach
student: env-test  ## write the students' notebooks, the instructor's edition, and archives
	$(RUN) -m tools.editions

##@ Write
quick: env-test  ## in 90 seconds: style, types, the core's tests, equations, chapters 1 to 3
	$(TEST) --nbval $(filter-out %_download.py %_package.py,$(wildcard tests/test_*.py)) \
	  tests/book/test_equations.py book/01_*.ipynb book/02_*.ipynb book/03_*.ipynb \
	  -k "not planted" $(BESIDE)

test: env-test  ## everything: style, types, tests, the website, every chapter again
	$(TEST) --nbval tests book $(BESIDE)

lint: env-test  ## check style and types
	$(TEST) tests/test_house.py -k style_and_types

unit: env-test  ## run the tests of the code
	$(TEST) tests --ignore=tests/site $(BESIDE)

coverage: env-test  ## run them, and list the lines of the package that none of them reaches
	$(TEST) tests --ignore=tests/site --cov $(BESIDE)

equations: env-test  ## check every displayed equation, print how each was decided, and store it
	$(RUN) -m tools.equations

site: env-test  ## load every page of the website in a browser and check it
	$(TEST) tests/site $(BESIDE)

nbval: env-test  ## execute every chapter again and compare with its stored outputs
	$(TEST) -p no:hypothesispytest --nbval book $(BESIDE)

elsewhere: env-test  ## execute the chapters under other instruction sets of the processor
	$(RUN) -m tools.elsewhere

notebooks: env-test  ## execute chapters anew on the real data and store their outputs
	$(RUN) -m tools.notebooks $(CHAPTERS)

##@ Maintain
alive: env-test  ## write the numbers that the interactive figures read
	$(RUN) -m studies.figures

networks: env-test  ## train the networks that run in the page, and store them
	$(RUN) -m studies.networks

sweep: env-test  ## run the experiment of chapter 8, or continue it
	nice $(RUN) -m studies.ranking

seeds: env-test  ## run the stored trainings of chapters 5, 6 and 9, or continue
	nice $(RUN) -m studies.seeds

accuracy: env-studies  ## measure the accuracy of the loss here and in four libraries
	$(RUN) -m studies.accuracy

bench: env-studies book  ## compare the speed with what readers use instead, and with the floor
	$(RUN) -m studies.speed speed

benchbook: env-studies  ## time each chapter, and measure its memory
	$(RUN) -m studies.speed chapters

fresh: env-test  ## try what can go wrong on a new machine (all of it takes half an hour)
	tests/fresh/run.sh all

mutants: env-test env-maintain  ## change the package in one place at a time: does a test notice?
	env -u HWLIB_DATA $(RUN) -m mutmut run $(MUTANTS)

linkcheck: env-book  ## look up every outside link (needs the network)
	$(RUN) -c "from jupyter_book.cli.main import main; main()" build --builder linkcheck \
	  --path-output _build/linkcheck .

lock: env-maintain  ## choose the versions anew that pyproject.toml admits, keeping those chosen
	$(UV) --generate-hashes pyproject.toml --group test -o locks/test.txt \
	  --no-emit-package torch --no-emit-package torchvision
	echo "-e ." | $(UV) - --group test -c locks/test.txt -o requirements.txt
	for group in book studies maintain; do \
	  $(UV) --generate-hashes --group $$group -c locks/test.txt -o locks/$$group.txt || exit; done

upgrade:  ## move every version to the newest that goes with the others
	$(MAKE) lock UPGRADE=--upgrade

licences: env-test env-maintain  ## list the licences of all packages
	$(RUN) -m piplicenses --order=license --format=markdown

audit: env-maintain  ## look all packages up among known vulnerabilities (needs the network)
	grep -v "^-e" requirements.txt | \
	$(RUN) -m pip_audit --strict --no-deps --disable-pip -r /dev/stdin

clean:  ## remove what was built, but not the environment
	rm -rf _build mutants

env-book env-test env-studies env-maintain:
	@$(PYTHON) tools/environment.py $(@:env-%=%)
