# `make run` serves the dashboard, `make test` checks everything, `make lock` renews the locks.
BIN := .venv/bin
LOCK := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 \
	--fork-strategy fewest --generate-hashes --no-emit-index-url --no-header --quiet

.DEFAULT_GOAL := setup
.PHONY: setup run test check lint browser bench torture lock clean

setup: .venv/.installed

run: .venv/.installed
	@test -e $${KEPT_WAREHOUSE:-warehouse}/CURRENT || $(BIN)/kept load data/sample
	$(BIN)/kept serve

# Format, lint, types, imports, then every test: what CI runs.
test: lint browser
	$(BIN)/pytest -n auto --dist loadfile

check: test

lint: .venv/.installed-dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/cog --check --verbosity=1 README.md docs/*.md

browser: .venv/.installed-dev
	@tools/browser.sh

# Up to an hour for a million tickets; `python -m benchmarks --help` lists smaller ones.
bench: .venv/.installed
	$(BIN)/python -m benchmarks

# Kills writers a thousand times, damages every file: about half an hour.
torture: .venv/.installed-dev
	$(BIN)/python -m benchmarks.torture

lock: .venv/.installed-dev
	$(LOCK) --upgrade --group build --output-file requirements.lock
	$(LOCK) --upgrade --group build --group dev --constraint requirements.lock \
		--output-file requirements-dev.lock

clean:
	rm -rf .venv .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.made: tools/venv.sh
	@tools/venv.sh
	@touch $@

.venv/.installed: .venv/.made requirements.lock pyproject.toml
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.installed-dev: .venv/.installed requirements-dev.lock
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements-dev.lock
	@touch $@
