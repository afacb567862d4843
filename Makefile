# Everything a developer runs. `make help` lists it; `.ci/run` calls `make lint` and `make test`, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO_OUT ?= build/demo

.DEFAULT_GOAL := help
.PHONY: help demo build test test-rust test-python test-long test-torch lint fmt bench docs clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("tokenfoundry needs Python 3.11 or newer; say: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

build: $(VENV)/.installed ## make .venv and build the extension into it, optimised
	@VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/maturin develop --release --quiet --skip-install

demo: build ## run the whole line on the text every Python installation carries
	$(BIN)/tokenfoundry demo --output $(DEMO_OUT)

test: build test-rust test-python ## all tests, Rust and Python

test-rust:
	cargo test --release --workspace --exclude tokenfoundry-python --quiet

test-python: build
	$(BIN)/python -m pytest -m 'not long and not torch'

test-long: build ## the tests that take minutes
	$(BIN)/python -m pytest -m long

test-torch: build ## the tests and examples with PyTorch and TRL (installs both: several GB, so not in CI)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement tests/torch_requirements.txt
	$(BIN)/python -m pytest -m torch

lint: build ## formatters in check mode, clippy, ruff, mypy, stubtest
	cargo fmt --check
	cargo clippy --release --workspace --all-targets --quiet -- -D warnings
	$(BIN)/ruff format --check python tests benches examples
	$(BIN)/ruff check python tests benches examples
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest tokenfoundry._core --ignore-disjoint-bases --allowlist tests/stubtest_allowlist.txt

fmt: ## format Rust and Python, and mend what ruff can
	cargo fmt
	-$(BIN)/ruff check --fix --quiet python tests benches examples
	$(BIN)/ruff format --quiet python tests benches examples

bench: build ## the rivals and us in one run (installs the rivals; minutes)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement benches/requirements.txt
	$(BIN)/python benches/run.py

docs: build ## run every code block of the README and docs
	$(BIN)/python -m pytest tests/docs

clean: ## remove the environment and everything built
	rm -rf $(VENV) target build .cache python/tokenfoundry/_core*.so
