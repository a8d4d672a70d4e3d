# `make` lists what there is. Paths are relative, so the clone may lie anywhere.
PYTHON ?= python3
IN_VENV := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help run test proof check bench reset migrate build lock install

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

run: install ## Start everything and print the address to open; Ctrl-C stops it
	@$(IN_VENV)/python -m dev.run

test: install ## Run every check and every test, as CI does; FAST=1 the quick ones alone
	@$(IN_VENV)/python -m dev.test $(if $(FAST),--fast) $(PYTEST_ARGS)

proof: install ## Run the long proofs, or one of them: PART=name; PART=help lists them
	@$(IN_VENV)/python -m dev.proof $(PART)

check: install ## Run the checks alone: format, lint, types, layers, spelling, lock
	@$(IN_VENV)/python -m dev.check

bench: install ## Measure against a ceiling taken in the same run
	@$(IN_VENV)/python -m bench

reset: install ## Start over: remove this clone's data and built pages
	@$(IN_VENV)/python -m dev.reset

build: install ## Build the pages into .web
	@$(IN_VENV)/python -m dev.frontend

lock: install ## Write requirements.lock anew from pyproject.toml
	@$(IN_VENV)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-annotate \
		--no-header --quiet --group dev pyproject.toml -o requirements.lock

# The release step of a deployment: no dev/ needed, DATABASE_URL names the database.
migrate: ## Bring the database of DATABASE_URL up to date
	@PATH="$(IN_VENV):$$PATH" alchemy --config db.migrations.config.alembic upgrade --no-prompt

install:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed, and $(PYTHON) is not here: install it, or name one with make PYTHON=…" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed, and $(PYTHON) is $$($(PYTHON) -V 2>&1): name another with make PYTHON=…" >&2; exit 1; }
	@$(PYTHON) -m dev.bootstrap
