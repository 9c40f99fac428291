# Two commands on a bare machine (git, make, Python 3.11 with venv): make demo, make test.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test slow notebooks lint clean

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]' -c constraints.txt
	touch $(READY)

demo: $(READY)
	mkdir -p out
	$(BIN)/consortium propose consortium/data/registers/sialkot-demo.xlsx --market ZAF --seconds 60 -o out/sialkot-zaf
	$(BIN)/consortium check out/sialkot-zaf.json --register consortium/data/registers/sialkot-demo.xlsx

test: $(READY)
	$(BIN)/python -m pytest -q -n auto -p no:benchmark

slow: $(READY)
	$(BIN)/python -m pytest -q --runslow -m slow -p no:benchmark -n auto --durations=15

notebooks: $(READY)
	$(BIN)/python tests/consortium/notebook_runs.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) out build dist *.egg-info
