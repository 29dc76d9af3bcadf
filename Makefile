# `make run` does the main job, `make test` proves the project. Both install what they need
# into .venv and nothing outside this folder.

PYTHON ?= python3
BIN    := .venv/bin
UV     ?= uv
INPUTS ?= 100000
# A python3 in .venv that does not run is not taken; then it is the next one on PATH.
ENVIRONMENT = { $(BIN)/python3 -c '' 2>/dev/null || rm -rf $(BIN); } && \
  { command -v $(PYTHON) >/dev/null || { \
    echo "make: $(PYTHON) is not there; install Python 3.11 to 3.13, or make PYTHON=/path/to/python3"; \
    exit 1; }; } && $(PYTHON) .ci/environment.py
QUICK  := not slow and not system and not reference

unexport PYTHONSAFEPATH
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Nothing here reports to anybody.
export DVC_NO_ANALYTICS := 1
export DO_NOT_TRACK := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false

.DEFAULT_GOAL := help
.PHONY: help run repro test lint coverage docs test-slow test-system test-image test-reference \
  bench-setup fuzz clean lock installed test-installed

help: ## say what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: installed ## train on MNIST and show the result: flow, stages, report
	@python -m flows.pipeline

repro: installed ## the same without Prefect: check the parameters, then dvc repro
	@ganflow params
	@dvc repro || { status=$$?; dvc checkout --quiet; \
	  test -e data/evaluation || git checkout --quiet -- data/evaluation; \
	  echo "make: a stage failed; the last good outputs are back, from DVC and from git"; exit $$status; }

test: lint ## lint, types, and the quick tests
	@python -m pytest -q -n 2 --dist loadfile -m "$(QUICK)"

lint: test-installed ## style, types, and what is imported against what is declared
	@ruff check src flows tests benchmarks docs .ci
	@ruff format --check src flows tests benchmarks docs .ci
	@mypy
	@deptry src flows
	@# These may import what only the groups declare, and need not use all that a user gets.
	@deptry --ignore DEP002,DEP004 tests benchmarks docs

coverage: test-installed ## which lines the quick tests run, in sum for each package
	@python -m pytest -q -n 2 --dist loadfile -m "$(QUICK)" \
	  --cov=ganflow --cov=flows --cov-report=json:build/coverage.json
	@python .ci/coverage.py build/coverage.json

docs: installed ## the API reference, from the docstrings, into build/docs
	@pip install --quiet --disable-pip-version-check --group docs
	@pdoc --docformat google --output-directory build/docs ganflow flows

fuzz: test-installed ## INPUTS made-up inputs for each reader, 100000 unless you say another number
	@GANFLOW_FUZZ=$(INPUTS) python -m pytest -q -m fuzz

test-slow: test-installed ## proofs that take minutes, or need a Prefect server
	@python -m pytest -q -n 2 --dist loadfile -m "slow and not system and not reference"

test-system: test-installed ## proofs that need a browser and PostgreSQL, from the distribution
	@pip install --quiet --disable-pip-version-check --group system
	@python -m pytest -q -n 2 --dist loadfile -m "system and not image"

test-image: test-installed ## the image, built and used (needs root, buildah and debootstrap)
	@python -m pytest -q -m image

bench-setup: test-installed ## what the benchmarks compare with, into the same .venv
	@pip install --quiet --disable-pip-version-check --group bench && \
	  pip install --quiet --disable-pip-version-check --no-deps "torch-fidelity>=0.4" || { \
	  echo "make: PyTorch, prdc and torch-fidelity are not installed: this needs a package index"; exit 1; }

test-reference: bench-setup ## the metrics against torch-fidelity and prdc
	@python -m pytest -q -m reference

clean: ## remove the environment, the state folder and every output that DVC can rebuild
	rm -rf .venv .ganflow build .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis
	rm -rf data/prepared data/extractor data/model data/training data/samples data/report

# Versions stay as they are unless UPGRADE names them: a new TensorFlow or NumPy may train other
# bytes. One version serves every Python (`fewest`), as ganflow.lock has one. The first lock is
# what runs: the extra `all`, with DVC's client for S3, which an image needs to get its data; the
# second has TensorFlow without CUDA's parts, for the image; the third has the versions of the
# first and adds what tests and linters need.
LOCK = $(UV) pip compile --fork-strategy fewest --generate-hashes --no-strip-extras \
  --no-annotate --no-emit-index-url --no-emit-find-links --quiet \
  --custom-compile-command "make lock"
COMPILE = $(LOCK) pyproject.toml --extra all --extra s3 --group build --universal \
  --python-version 3.11 $(UPGRADE)

lock: ## resolve the locks anew (needs uv); UPGRADE="--upgrade-package prefect", or --upgrade
	@$(COMPILE) -o requirements.lock
	@sed -n 's/^tensorflow==\([^ ]*\) .*/tensorflow-cpu==\1/p' requirements.lock | \
	  $(LOCK) - --no-deps -o requirements-cpu.lock
	@$(COMPILE) --group test --constraint requirements.lock -o requirements-dev.lock

# What .venv was made from is compared at every call, which takes some hundredths of a second: a
# clone that was copied or moved, another PYTHON, a changed lock, or an interrupted installation.
installed:
	@$(ENVIRONMENT)

test-installed:
	@$(ENVIRONMENT) test
