# Every target sets up what it needs in .venv, from the lock files alone. PYTHON names the interpreter to start from.
PYTHON ?= python3
BIN := .venv/bin
RUN := .venv/.installed-run
DEV := .venv/.installed-dev
DEMO := demo-output

.PHONY: help setup demo run test check bench conformance java lock schema docs clean

help:
	@echo "make demo         the whole purchase over real HTTP, step by step"
	@echo "make run          serve the demo's marketplace on http://127.0.0.1:8080"
	@echo "make test         every test (SQLite and PostgreSQL)"
	@echo "make check        format, lint, types, architecture rules, generated files"
	@echo "make conformance  real foreign clients against a started server"
	@echo "make bench        performance as ratios against floors, in one run"
	@echo "make setup        install everything for development"
	@echo "make lock | docs | schema   write the lock files | generated documents | schema files again"

setup: $(DEV)

$(BIN)/python:
	@echo "== making .venv with $(PYTHON)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Comptoir needs Python 3.11 or newer; set PYTHON=..."; exit 1; }
	@$(PYTHON) -m venv .venv

.venv/.installer: requirements-build.lock | $(BIN)/python
	@echo "== installing the installer (uv) and the build backend"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-build.lock
	@touch $@

$(RUN): requirements.lock pyproject.toml .venv/.installer
	@echo "== installing what running needs"
	@$(call install,requirements.lock)
	@touch $@

$(DEV): requirements-dev.lock requirements.lock pyproject.toml .venv/.installer
	@echo "== installing what development needs"
	@$(call install,requirements-dev.lock)
	@touch $@ $(RUN)

# uv where it runs on this platform, else pip: the same versions and hashes either way.
define install
if $(BIN)/uv --version >/dev/null 2>&1; then \
  $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r $(1) && \
  $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .; \
else \
  $(BIN)/python -m pip install --quiet --require-hashes -r $(1) && \
  $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .; \
fi
endef

demo: $(RUN)
	@$(BIN)/comptoir demo --output $(DEMO)

run: $(RUN)
	@test -e $(DEMO)/comptoir.db || { echo "== making the sample marketplace"; \
	  $(BIN)/comptoir demo --output $(DEMO) --quiet; }
	@$(BIN)/comptoir serve --database $(DEMO)/comptoir.db

test: $(DEV) $(if $(filter true,$(CI)),java)
	@echo "== tests"
	@$(BIN)/pytest -n 2 --dist worksteal -q

check: $(DEV)
	@echo "== format and lint"
	@$(BIN)/ruff format --check --quiet . || { echo "run: $(BIN)/ruff format ."; exit 1; }
	@$(BIN)/ruff check --quiet .
	@echo "== types"
	@$(BIN)/mypy
	@echo "== architecture"
	@$(BIN)/python tools/check_architecture.py
	@echo "== generated files"
	@$(BIN)/python tools/generate.py --check

# The official Java SDK needs a JDK and Maven, which no lock file brings.
java:
	@if ! { command -v java && command -v keytool && command -v mvn; } >/dev/null 2>&1; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "== installing a JDK and Maven"; \
	    apt-get update -qq && apt-get install -y -qq --no-install-recommends default-jdk-headless maven >/dev/null \
	      || echo "== cannot install them"; \
	  else \
	    echo "== no JDK or no Maven: the official Java SDK is not tested"; \
	  fi; \
	fi

conformance: $(DEV) java
	@echo "== foreign clients"
	@$(BIN)/pytest -m conformance -q

bench: $(DEV)
	@$(BIN)/python -m benchmarks

docs schema: $(DEV)
	@$(BIN)/python tools/generate.py

COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links

lock: .venv/.installer
	@$(COMPILE) --extra server pyproject.toml -o requirements.lock
	@$(COMPILE) --extra server --group dev pyproject.toml -c requirements.lock -o requirements-dev.lock
	@$(COMPILE) --group build -o requirements-build.lock

clean:
	@rm -rf .venv $(DEMO) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
