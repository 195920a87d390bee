# The verbs of Podium. `make` alone lists them; everything else runs inside `.venv`.

PYTHON ?= python3.11
BIN := .venv/bin
STAMP := .venv/.installed
ARGS ?=
WORKERS ?= 2
NAME ?= gateway

.DEFAULT_GOAL := help
.PHONY: help install run check test bench up down e2e lock clean

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) ## install into .venv, at the versions of requirements.lock

$(STAMP): pyproject.toml requirements.lock
	@command -v $(PYTHON) >/dev/null || { echo "Podium needs Python 3.11: no program $(PYTHON)"; exit 1; }
	@test -x $(BIN)/python || { echo "making .venv"; $(PYTHON) -m venv .venv; }
	@echo "installing Podium and its libraries into .venv (several minutes the first time)"
	@rm -f $(STAMP)
	@{ $(BIN)/python -m pip install --disable-pip-version-check --progress-bar off \
		--constraint requirements.lock --editable '.[dev]' && touch $(STAMP); } \
		| awk '/^Collecting/ {print "  " $$2; fflush()} /^Installing coll/ {print "unpacking"; fflush()}'
	@test -f $(STAMP) && echo "installed"

run: $(STAMP) ## train on this machine: the whole loop, live (ARGS="--steps 20 --seed 1")
	@deploy/programs.sh
	@$(BIN)/podium run $(ARGS)

check: $(STAMP) ## lint, format, types and architecture
	@echo "ruff check" && $(BIN)/ruff check --quiet .
	@echo "ruff format" && $(BIN)/ruff format --quiet --check .
	@echo "mypy" && $(BIN)/mypy
	@echo "lint-imports" && $(BIN)/lint-imports --no-logo

test: check ## check, then every test, two at a time (ARGS for pytest; WORKERS=0 runs one at a time)
	@deploy/programs.sh
	@$(BIN)/python -m pytest --durations=10 --numprocesses $(WORKERS) --no-loadscope-reorder $(if $(filter-out 0,$(WORKERS)),--dist loadscope) $(ARGS)

bench: $(STAMP) ## one benchmark: a table, and last one JSON line (NAME=gateway or transport)
	@$(BIN)/python -m bench $(NAME) $(ARGS)

up: ## start the cluster with Docker Compose, and wait until it is healthy
	@deploy/up.sh $(ARGS)

down: ## stop the cluster; its data stays (ARGS=--volumes removes it)
	@docker compose --profile '*' down --remove-orphans $(ARGS)

e2e: $(STAMP) ## bring a cluster of its own up, train, register, measure, and take it down (Docker, minutes)
	@PODIUM_TEST_NO_SKIP=1 $(BIN)/python -m pytest -m compose -v --durations=10 $(ARGS)

lock: $(STAMP) ## write the versions installed now to requirements.lock
	@sed -n '/^#/p' requirements.lock > .venv/lock
	@{ $(BIN)/python -m pip freeze --exclude-editable | sed 's/+[a-z0-9.]*$$//'; \
		grep -E '^(cuda-|nvidia-|triton=)' requirements.lock; } \
		| awk -F== '!seen[$$1]++' | LC_ALL=C sort -f -t= -k1,1 >> .venv/lock
	@mv .venv/lock requirements.lock && touch $(STAMP)

clean: ## remove .venv and what tools leave behind, not runs/
	@rm -rf .venv *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
