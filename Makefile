# Main commands: `make run` and `make test`. They need only Python 3.11.

PYTHON ?= python3
BIN := .venv/bin
KILLS ?= 20
SEED ?= 1
DATABASE ?= sqlite

.DEFAULT_GOAL := help
.PHONY: help run test test-vllm chaos lint lock format environment environment-dev clean

help:
	@echo "make run    start the system on 127.0.0.1; variables: PORT=8000 DATA_DIR=.data"
	@echo "make test   install the test dependencies and run the tests on SQLite and PostgreSQL"
	@echo "make test-vllm  the engine contract on a real vLLM server; VLLM_PYTHON names its Python"
	@echo "make chaos  faults in real processes under load; variables: KILLS=20 SEED=1 DATABASE=sqlite"
	@echo "make lint   ruff, mypy, import contract, known holes in dependencies"
	@echo "make lock   hash-pinned packages of production, after a change of pyproject.toml"
	@echo "make format format the code with ruff"
	@echo "make clean  remove the environment and caches, not the data"

run: environment
	@exec $(BIN)/python manage.py up --with-parent

test: environment-dev
	@$(BIN)/python .ci/test.py $(ARGS)

test-vllm: environment-dev
	TEST_VLLM=1 $(BIN)/python -m pytest -q tests/vllm

chaos: environment-dev
	@$(BIN)/python -m tests.chaos.run --kills $(KILLS) --seed $(SEED) --database $(DATABASE)

lint: environment-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/python .ci/scan.py

lock: environment-dev
	$(BIN)/python .ci/lock.py

format: environment-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

environment:
	@$(PYTHON) .ci/environment.py

environment-dev:
	@$(PYTHON) .ci/environment.py training dev

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis staticfiles
