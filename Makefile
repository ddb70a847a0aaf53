# Every target sets up by itself: .venv is made once, and again when the pins change.
SHELL := /bin/bash -eu -o pipefail
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
JOBS := .venv/.jobs
SPARK := .venv/.spark
LABEL_STUDIO := .venv/.label-studio
BENCH := .venv/.bench
GROUNDLOOP := $(BIN)/groundloop
# One more than there are cores, since the tests also wait for programs and the browser; each takes up to 1 GB.
PROCESSES ?= $(shell cores=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); echo $$((cores < 3 ? cores + 1 : 4)))

.PHONY: help demo test test-label-studio lint check plan upsert-pipeline start watch models approve deploy bench fuzz destroy docs lock clean prove

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# uv installs the pins in seconds; where it can't be had, pip does the same in minutes. Bytecode is compiled once, here:
# with PYTHONDONTWRITEBYTECODE, usual in containers, each command would compile the packages again.
install = if [ -x $(BIN)/uv ]; then $(BIN)/uv pip install --quiet --compile-bytecode --python $(1) $(2); \
	else $(1) -m pip install --quiet --disable-pip-version-check $(2); fi

$(READY): requirements.lock pyproject.toml
	@echo "set-up: making .venv and installing the pinned packages (once)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "groundloop needs Python 3.10 or newer: make PYTHON=python3.12 ..." >&2; exit 2; }
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv || echo "set-up: no uv here, pip takes minutes"
	@$(call install,$(BIN)/python,-r requirements.lock)
	@$(call install,$(BIN)/python,--no-deps --no-build-isolation -e .)
	@$(BIN)/python -m compileall -q -j 0 groundloop pipeline steps configs
	@touch $@

# Spark's local mode, for the tests of Prepare on Spark, where there is Java. The job's packages come in the versions of
# the lock for this Python; its own pins are for the image's.
$(SPARK): $(READY) steps/prepare/requirements.txt steps/prepare/requirements-spark.txt
	@if java -version >/dev/null 2>&1; then \
	  echo "set-up: pyspark (once)"; \
	  $(BIN)/python -m venv --clear $(@D)/spark; \
	  $(call install,$(@D)/spark/bin/python,-c requirements.lock -r steps/prepare/requirements-spark.txt \
	    $$(sed -n 's/==.*//p' steps/prepare/requirements.txt)); \
	fi
	@touch $@

# The jobs run on Python 3.12 in SageMaker's image: where there is one, they are tested on it, with their own pins.
# (PYENV_VERSION: pyenv's python3.12 runs only when that version is chosen; nobody else minds.)
$(JOBS): $(READY) steps/prepare/requirements.txt steps/evaluate/requirements.txt
	@export PYENV_VERSION=3.12; if python3.12 -c '' 2>/dev/null; then \
	  echo "set-up: Python 3.12 with the jobs' pins (once)"; \
	  python3.12 -m venv --clear $(@D)/jobs312; \
	  $(call install,$(@D)/jobs312/bin/python,-r steps/prepare/requirements.txt -r steps/evaluate/requirements.txt); \
	fi
	@touch $@

demo: $(READY)  ## labels to a deployed detector on the offline AWS, about a minute
	@$(GROUNDLOOP) demo

lint: $(READY)  ## style, types, layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

# The tests write tens of thousands of small files: into memory where there is enough of it, and gone at the end.
test: lint $(JOBS) $(SPARK)  ## lint, then every test
	@memory=/dev/shm; \
	  test "$$(df -Pk $$memory 2>/dev/null | awk 'NR == 2 {print $$4}')" -gt 4000000 2>/dev/null || memory=$${TMPDIR:-/tmp}; \
	  export TMPDIR=$$(mktemp -d $$memory/groundloop-tests-XXXXXX); trap 'rm -rf $$TMPDIR' EXIT; \
	  GROUNDLOOP_PYTHON312=$$(ls $(CURDIR)/.venv/jobs312/bin/python 2>/dev/null || true) \
	  GROUNDLOOP_PYSPARK=$$(ls $(CURDIR)/.venv/spark/bin/python 2>/dev/null || true) \
	  $(BIN)/pytest -n $(PROCESSES) --dist loadfile --no-loadscope-reorder

# Label Studio brings a hundred packages, none of which the project needs: they get an environment of their own.
$(LABEL_STUDIO): $(READY)
	@echo "set-up: Label Studio (once)"
	@$(PYTHON) -m venv --clear $(@D)/label-studio
	@$(call install,$(@D)/label-studio/bin/python,label-studio==1.23.2)
	@touch $@

test-label-studio: $(LABEL_STUDIO)  ## a queue through a real Label Studio on this machine (a minute or two)
	@GROUNDLOOP_LABEL_STUDIO=$(CURDIR)/.venv/label-studio/bin/label-studio \
	  $(BIN)/pytest tests/groundloop/review/exchange/test_real_label_studio.py

check: $(READY)  ## check the pipelines' definitions (ARGS="--config configs/prod.yaml", here and below)
	@$(GROUNDLOOP) check $(ARGS)

plan: $(READY)  ## what upsert would change, and what an execution can cost
	@$(GROUNDLOOP) plan $(ARGS)

upsert-pipeline: $(READY)  ## create or update the pipelines on the AWS of the environment
	@$(GROUNDLOOP) upsert $(ARGS)

start: $(READY)  ## start an execution and watch it (ARGS="-p Epochs=40")
	@$(GROUNDLOOP) start --watch $(ARGS)

watch: $(READY)  ## follow the latest execution
	@$(GROUNDLOOP) watch $(ARGS)

models: $(READY)  ## the registered versions with their metrics
	@$(GROUNDLOOP) models $(ARGS)

approve: $(READY)  ## approve a version (ARGS="3 --reason TEXT")
	@$(GROUNDLOOP) approve $(ARGS)

deploy: $(READY)  ## bring the endpoint to an approved version
	@$(GROUNDLOOP) deploy $(ARGS)

destroy: $(READY)  ## list what the project made and, after a question, remove it
	@$(GROUNDLOOP) destroy $(ARGS)

prove: $(READY)  ## what only AWS can settle, listed or tried there (ARGS="--run free")
	@$(GROUNDLOOP) prove $(ARGS)

$(BENCH): $(READY)
	@$(call install,$(BIN)/python,-c requirements.lock --no-build-isolation -e '.[bench]')
	@touch $@

bench: $(READY) $(BENCH)  ## how fast, against what else does the same (LARGE=1: at the sizes of docs/performance.md)
	@echo "== commands"; $(BIN)/python benchmarks/startup.py
	@echo; echo "== scoring"; $(BIN)/python -m benchmarks.scoring --images $(if $(LARGE),5000,1000)
	@echo; echo "== evaluation"; $(BIN)/python -m benchmarks.evaluation --images $(if $(LARGE),5000,1000)
	@echo; echo "== prepare"; $(BIN)/python -m benchmarks.prepare $(if $(LARGE),--million,--lines 40000)

fuzz: $(READY)  ## 20,000 damaged files through every reader (about 15 minutes; ARGS="2000")
	@$(BIN)/python -m benchmarks.fuzz_readers $(ARGS)

docs: $(READY)  ## write docs/reference/ and configs/schema.json again, from the code
	@$(BIN)/python -m docs.generate
	@$(GROUNDLOOP) config schema > configs/schema.json

lock: $(READY)  ## pin again what pyproject.toml asks for
	@$(BIN)/uv pip compile pyproject.toml --extra all --extra dev --universal --python-version 3.10 --no-annotate --no-header --quiet --upgrade -o requirements.lock
	@sed -i.bak '/^--/d' requirements.lock && rm requirements.lock.bak

clean:  ## remove .venv, caches and the offline AWS's folder
	@rm -rf .venv .groundloop .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist
