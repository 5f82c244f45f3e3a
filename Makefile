# Everything runs inside .venv, which this file makes. `make` alone lists what there is.

SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
# Two worker processes of the suite with one thread each; a machine with more cores may say JOBS=8.
JOBS ?= 2
ONE_THREAD := OMP_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false HF_HUB_OFFLINE=1
STAMP := $(VENV)/.installed
# Where PyTorch comes from, if not from where the rest does: on Linux the usual one brings CUDA, several gigabytes.
TORCH_INDEX ?=

.PHONY: help install demo test check format docs lock clean

help:
	@echo 'make install            the environment, with dialoop and all it needs, in .venv'
	@echo 'make demo               make a hotel, check, tune, compare, rehearse, serve chat and desk  (ARGS=--no-serve: end before serving)'
	@echo 'make test               the whole suite  (ARGS="-k words" for a part)'
	@echo 'make check              form, lint, types, order of the rooms, command reference'
	@echo 'make format             put the code into its form'
	@echo 'make docs               write docs/commands.md and docs/project-file.md anew from the code'
	@echo 'make lock               write requirements.lock anew, with the newest versions that pyproject.toml allows'
	@echo 'make clean              remove .venv and all caches'

install: $(STAMP)

# torch comes first: the lock pins it, and nothing that follows may ask for another build of it.
$(STAMP): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'dialoop needs Python 3.11 or newer: make install PYTHON=python3.12'; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo 'installing PyTorch and the rest of requirements.lock; the first time this takes minutes'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) \
		"$$(grep '^torch==' requirements.lock)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

demo: install
	$(BIN)/dialoop demo $(ARGS)

test: install
	$(ONE_THREAD) $(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(ARGS)

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m dialoop.cli.reference --check docs

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: install
	$(BIN)/python -m dialoop.cli.reference docs

# The pin of torch is kept as it stands in the lock: to move it, edit that line first.
lock:
	rm -rf $(VENV)-lock && $(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet --upgrade pip
	$(VENV)-lock/bin/python -m pip install --quiet "$$(grep '^torch==' requirements.lock)"
	$(VENV)-lock/bin/python -m pip install --quiet --group dev --editable .
	{ sed -n '/^#/p; /^torch==/p' requirements.lock; \
	  $(VENV)-lock/bin/python -m pip freeze --exclude-editable | sed '/^torch==/d; s/+[a-z0-9.]*$$//'; } > requirements.lock.new
	mv requirements.lock.new requirements.lock && rm -rf $(VENV)-lock

clean:
	rm -rf $(VENV) $(VENV)-lock .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
