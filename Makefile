# make run     a simulated board with a demo device, a pin of each kind: its page's address, a token, a QR code
# make test    everything that is checked: lint, types, tests
# make lint    ruff and pyright alone          make format  what ruff would have written
# make bench   the measurements, as tables
# make abuse   ten minutes of mixed abuse of a board, and a good client that is answered all the same
# make powercuts   500 power cuts on each runtime, under load
# make fuzz    strange input for what strangers reach, a minute for each part; SECONDS=600 for ten
# make mutants what no test notices when an expression is changed; MODULE=firmware/access.py for one module
# make lock    the lock files, after a change of the dependencies; UPGRADE=--upgrade takes newer versions
# make clean   removes what make made
#
# Needs Python 3.11 or newer, as PYTHON; all else is put into .venv, by hash, from the lock files.

PYTHON ?= python3
UPGRADE ?=
SECONDS ?= 60
MODULE ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check
LOCKED := $(PIP) --require-hashes

.PHONY: run test lint format bench fuzz mutants abuse lock clean powercuts
.DELETE_ON_ERROR:

run: $(VENV)/run.stamp
	@$(BIN)/python -m pinwarden_sim.demo build
	@$(BIN)/pinwarden simulate build/demo --qr

# What has failed beside others has to pass by itself: docs/decisions/ci.md.
test: lint
	@$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder || { \
	  [ $$? -eq 1 ] && echo "Once more, without others beside: what has failed" && \
	  $(BIN)/python -m pytest --last-failed --last-failed-no-failures none --exitfirst --verbose; }

lint: $(VENV)/dev.stamp
	@echo "ruff"
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { echo "some files are not formatted: make format"; exit 1; }
	@echo "pyright: the tools, the simulator, the tests"
	@PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright
	@echo "pyright: the firmware, against the types of MicroPython on the ESP32"
	@PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright --project pyright-firmware.json

format: $(VENV)/dev.stamp
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format .

bench: $(VENV)/dev.stamp
	@$(BIN)/python -m bench

abuse: $(VENV)/dev.stamp
	@$(BIN)/python -m bench.abuse

powercuts: $(VENV)/dev.stamp
	@$(BIN)/python -m bench.powercuts

fuzz: $(VENV)/fuzz.stamp
	@$(BIN)/python tests/fuzz/run.py --seconds $(SECONDS)

mutants: $(VENV)/mutation.stamp
	@$(BIN)/python tests/mutation/run.py $(MODULE)

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis

# The environment. Each stamp is as new as what it was made from.

$(VENV)/venv.stamp:
	@command -v $(PYTHON) >/dev/null || { echo "No $(PYTHON) here. Install Python 3.11 or newer, or name it: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Pinwarden needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) comes without venv. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Setting up $(VENV) (once; a minute or less)"
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/run.stamp: $(VENV)/venv.stamp requirements.lock pyproject.toml
	@echo "Installing what Pinwarden runs on, from requirements.lock"
	@$(LOCKED) -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation --no-index --editable .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements-dev.lock requirements-stubs.lock
	@echo "Installing what checks it, from requirements-dev.lock"
	@$(LOCKED) -r requirements-dev.lock
	@$(LOCKED) -r requirements-stubs.lock --no-deps --upgrade --target $(VENV)/board-stubs
	@touch $@

$(VENV)/fuzz.stamp: $(VENV)/dev.stamp requirements-fuzz.lock
	@echo "Installing the fuzzer, from requirements-fuzz.lock"
	@$(LOCKED) -r requirements-fuzz.lock
	@touch $@

$(VENV)/mutation.stamp: $(VENV)/dev.stamp requirements-mutation.lock
	@echo "Installing what makes mutants, from requirements-mutation.lock"
	@$(LOCKED) -r requirements-mutation.lock
	@touch $@

# The lock files name versions and hashes for every platform, and no place to download from: that is pip's business.
COMPILE = build/lock/bin/uv pip compile $(UPGRADE) --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-annotate --custom-compile-command "make lock"

lock: $(VENV)/venv.stamp
	@$(PYTHON) -m venv build/lock
	@build/lock/bin/python -m pip install -qq --disable-pip-version-check uv==0.13.9
	@$(COMPILE) pyproject.toml --group dev --output-file requirements-dev.lock
	@$(COMPILE) pyproject.toml --group build --constraint requirements-dev.lock --output-file requirements.lock
	@$(COMPILE) --group fuzz --output-file requirements-fuzz.lock
	@$(COMPILE) --group mutation --constraint requirements-dev.lock --output-file requirements-mutation.lock
	@$(COMPILE) --group board-stubs --output-file requirements-stubs.lock
