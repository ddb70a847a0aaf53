# Every target sets up by itself: .venv is made once, and again when the pins change.
SHELL := /bin/bash -eu -o pipefail
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
GROUNDLOOP := $(BIN)/groundloop

.PHONY: help demo test lint upsert-pipeline start lock clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# uv installs the pins in seconds; where it can't be had, pip does the same in minutes.
$(READY): requirements.lock pyproject.toml
	@echo "set-up: making .venv and installing the pinned packages (once)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "groundloop needs Python 3.10 or newer: make PYTHON=python3.12 ..." >&2; exit 2; }
	@$(PYTHON) -m venv --clear .venv
	@if $(BIN)/python -m pip install --quiet --disable-pip-version-check uv; then \
	  install=("$(BIN)/uv" pip install --quiet --python "$(BIN)/python"); \
	else \
	  echo "set-up: uv can't be had here, pip takes some minutes"; \
	  install=("$(BIN)/python" -m pip install --quiet --disable-pip-version-check); \
	fi; \
	"$${install[@]}" -r requirements.lock; \
	"$${install[@]}" --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY)  ## labels to a deployed detector on the offline AWS, about a minute
	@$(GROUNDLOOP) demo

lint: $(READY)  ## style, types, layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

test: lint  ## lint, then every test
	@$(BIN)/pytest

upsert-pipeline: $(READY)  ## create or update the pipelines on the AWS of the environment (ARGS="--config configs/prod.yaml")
	@$(GROUNDLOOP) upsert $(ARGS)

start: $(READY)  ## start an execution and watch it (ARGS="-p Epochs=40")
	@$(GROUNDLOOP) start --watch $(ARGS)

lock: $(READY)  ## pin again what pyproject.toml asks for
	@$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.10 --no-annotate --no-header --quiet --upgrade -o requirements.lock
	@sed -i.bak '/^--/d' requirements.lock && rm requirements.lock.bak

clean:  ## remove .venv, caches and the offline AWS's folder
	@rm -rf .venv .groundloop .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist
