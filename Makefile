# The two commands: `make run` and `make test`. Neither needs anything prepared but Python 3.11.

PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help run test lint format environment environment-dev clean

help:
	@echo "make run    start everything and open nothing to the network: PORT=8000 DATA_DIR=.data"
	@echo "make test   install what tests need, run all of them on SQLite and on PostgreSQL"
	@echo "make lint   ruff, mypy, import contract"
	@echo "make format let ruff rewrite the code"
	@echo "make clean  remove the environment and caches; never the data"

run: environment
	@exec $(BIN)/python manage.py up --with-parent

test: environment-dev
	@$(BIN)/python .ci/test.py $(ARGS)

lint: environment-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

format: environment-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

environment:
	@$(PYTHON) .ci/environment.py

environment-dev:
	@$(PYTHON) .ci/environment.py training dev

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis staticfiles
