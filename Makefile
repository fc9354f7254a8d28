# Two commands matter: `make book` renders the book, `make test` validates it.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help install book pdf new-chapter test coverage downloads evidence bench lab serve data lint clean \
	distclean

# The first interpreter on PATH that is new enough; override with `make PYTHON=... book`.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
RUN := $(VENV)/bin/python
STAMP := $(VENV)/.installed
PORT ?= 8000
HTML := _build/html/index.html
# More places for pip to look in, such as PyTorch's index of packages without CUDA: an index, and
# a page or folder of wheels. They take effect when .venv is made.
INDEX ?=
WHEELS ?=
PIP := -m pip install --disable-pip-version-check $(if $(INDEX),--extra-index-url '$(INDEX)') \
	$(if $(WHEELS),--find-links '$(WHEELS)')

# Whole files go to one process or the other, so that what a file prepares is prepared once.
UNITS := OMP_NUM_THREADS=1 $(RUN) -m pytest -n 2 --dist loadscope --ignore=tests/html

help:  ## list these targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "sslboost needs Python 3.11 or newer on PATH (or make PYTHON=...)"; exit 1; }
	test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	$(RUN) $(PIP) -c constraints.txt -e '.[book,test]'
	touch $@

install: $(STAMP)  ## create .venv with the locked versions

data: $(STAMP)  ## fetch and verify CIFAR-10 (a failure stops CI, warns elsewhere)
	@$(RUN) -m sslboost.images fetch || { test "$${CI:-}" != true || exit 1; \
	echo "warning: no CIFAR-10; the cells that need it will show a note instead" >&2; }

book: $(STAMP) data  ## execute what changed and render the HTML
	@$(RUN) book/build.py

pdf: book  ## print the whole book, with Chromium, to _build/sslboost.pdf
	@$(RUN) book/pdf.py

new-chapter: $(STAMP)  ## start a chapter: make new-chapter NAME=what-labels-cost
	@$(RUN) book/new_chapter.py -- '$(NAME)'

test: $(STAMP) lint data  ## validate everything: lint, units, every chapter, the HTML in a browser
	$(UNITS)
	$(RUN) book/build.py --force
	$(RUN) -m pytest -n 2 tests/html

coverage: $(STAMP) data  ## run the units as it counts the lines that they run (twice as long)
	$(UNITS) --cov=sslboost --cov-branch --cov-report=term:skip-covered --cov-fail-under=95

downloads: book  ## run each chapter's download where only the wheel is installed (long)
	$(RUN) -m tests.book.wheel

evidence: $(STAMP)  ## test the tests (long): faults, bad calls, kills; writes _build/evidence.json
	$(RUN) -m tests.evidence

bench: $(STAMP)  ## time the package next to its peers; writes _build/benchmarks.json
	OMP_NUM_THREADS=1 $(RUN) -m tests.benchmarks.run

lint: $(STAMP)  ## ruff: rules and format; codespell: British spelling
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m codespell_lib .

lab: $(STAMP)  ## open the chapters in JupyterLab
	JUPYTER_CONFIG_PATH=book/_jupyter $(RUN) -m jupyterlab --notebook-dir=book

serve: book  ## serve the built HTML on http://localhost:8000 (PORT=...)
	$(RUN) -m http.server $(PORT) --bind localhost --directory _build/html

clean:  ## remove everything that was built
	rm -rf _build .cache .hypothesis .pytest_cache .ruff_cache

distclean: clean  ## ... and the virtual environment
	rm -rf $(VENV)
