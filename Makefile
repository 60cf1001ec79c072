# All that these targets make lies below this folder: .venv, .demo and .test. Nothing is written to the home folder.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help install demo test lint reference wheel clean

# pip asks rustc for its version; where that is a shim of rustup, it would make a folder in the home.
export RUSTUP_HOME := $(CURDIR)/.venv/rustup

PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
STAMP := $(VENV)/.installed
DEMO := $(CURDIR)/.demo
TEST := $(CURDIR)/.test

# The surroundings of a command: its own AiiDA folder, home and caches below the folder $(1).
surroundings = AIIDA_PATH=$(1)/aiida HOME=$(1)/home XDG_CACHE_HOME=$(1)/cache XDG_CONFIG_HOME=$(1)/config \
	MPLCONFIGDIR=$(1)/cache/matplotlib PATH=$(BIN):$$PATH PYTHONNOUSERSITE=1

help:  ## show the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

install: $(STAMP)  ## make .venv with this package and everything that demo and test need

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'aiida-osc needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3.11'; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
		{ echo 'this Python cannot make virtual environments; on Debian or Ubuntu: apt-get install python3-venv'; exit 1; }
	@echo 'Installing into .venv (about 3 minutes the first time) ...'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --no-cache-dir --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(STAMP)

demo: install  ## set up below .demo and run a whole discovery campaign (less than 15 minutes)
	@mkdir -p $(DEMO)/home $(DEMO)/cache/matplotlib $(DEMO)/config
	@printf 'export AIIDA_PATH=%s\nexport PATH=%s:$$PATH\n' '$(DEMO)/aiida' '$(BIN)' > $(DEMO)/activate
	@$(call surroundings,$(DEMO)) OSC_DEMO_OUTPUT=$(DEMO) python examples/demo.py
	@echo 'To look around (verdi process list -a, aiida-osc status): source .demo/activate'
	@echo 'To stop the daemon of the demo and remove all it made: make clean'

test: install lint  ## all checks and tests (half an hour, less where programs are missing)
	@mkdir -p $(TEST)/home $(TEST)/cache/matplotlib $(TEST)/config
	$(call surroundings,$(TEST)) python -m pytest

lint: install  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

reference: install  ## write docs/reference/cli.md and the training curves in docs/images
	$(BIN)/python docs/generate_cli_reference.py
	$(BIN)/python docs/draw_training_curves.py

wheel: install  ## build the wheel into dist/
	$(BIN)/python -m build --wheel --outdir dist .

clean:  ## stop the daemon of the demo and remove all that these targets made
	@if [ -d $(DEMO)/aiida ] && [ -x $(BIN)/verdi ]; then \
		echo 'Stopping the daemon of the demo ...'; \
		$(call surroundings,$(DEMO)) verdi process kill --all --timeout 10 > /dev/null 2>&1 < /dev/null || true; \
		$(call surroundings,$(DEMO)) verdi daemon stop --timeout 90 > /dev/null 2>&1 < /dev/null || true; \
	fi
	rm -rf .demo .test .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
