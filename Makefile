# One target per verb; CI calls the same ones. Everything needs only git, make and Python 3.11+.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint types unit drift format golden lock mutate wheel clean \
	bench bench-compile bench-push bench-router bench-soak

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

$(VENV)/.installed: pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

setup: $(VENV)/.installed  ## a virtual environment with everything pinned

demo: setup  ## compile the example, serve it, kill the primary; plan, push, drift, roll back: under a minute
	$(BIN)/python demo/demo.py

test: lint types drift unit  ## everything that CI checks: some minutes

lint: setup  ## style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup  ## mypy, strict, both halves
	$(BIN)/mypy

drift: setup  ## generated files are fresh, the worked example is right
	$(BIN)/llmcompile schema --check
	$(BIN)/llmcompile check

unit: setup  ## all tests, with branch coverage of both halves
	$(BIN)/python -m coverage run -m pytest --numprocesses 2 --dist worksteal --quiet
	@$(BIN)/python -m coverage combine --quiet
	@$(BIN)/python -m coverage report

format: setup  ## let ruff fix and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

golden: setup  ## rewrite the expected files of the golden cases; read the diff before you commit it
	GOLDEN=write $(BIN)/python -m pytest -q tests/test_golden.py tests/compiler/test_kubernetes.py \
		tests/compiler/test_plan_shown.py tests/runtime/test_fault_page.py

lock: setup  ## resolve requirements.lock again from pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/python -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--all-extras --group dev --output-file requirements.lock pyproject.toml
	$(BIN)/python deploy/lock.py

mutate: setup  ## every kind of mistake at every place of the example: what check catches, and where
	$(BIN)/python -m tests.mutate

bench: bench-compile bench-push bench-router  ## all figures of docs/benchmarks.md

bench-compile: setup  ## the compiler beside KCL, Jsonnet and jrsonnet, and its goals
	$(BIN)/python bench/compile.py

bench-push: setup  ## plan and push of 2,000 documents
	$(BIN)/python bench/push.py

bench-router: setup  ## the router beside nginx, Portkey and LiteLLM, and its goals; needs nginx, wrk and node
	$(BIN)/python bench/router.py

bench-soak: setup  ## half an hour of mixed traffic and faults, then the books
	$(BIN)/python bench/soak.py

wheel: setup  ## build/*.whl
	$(BIN)/python -m build --wheel --no-isolation --outdir build

clean:  ## forget everything that was made here
	rm -rf $(VENV) dist build .llmcompile .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache
