# Two commands on a bare machine (git, make, Python 3.11 with venv): make demo, make test.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test slow league league-keep micro notebooks lint clean out/league/smoke

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

# The smoke suite at fixed work: values, bounds and proofs against those kept; seconds gate nothing.
# Gated are ours that count in whole numbers; floats of the others may differ from one processor to
# the next, and are shown by `python -m benchmarks compare` without --strategy.
KEPT := benchmarks/results/league-smoke.jsonl
GATED := $(foreach name,auto exact columns greedy,--strategy $(name))

out/league/smoke: $(READY)
	rm -rf out/league/smoke
	$(BIN)/python -m benchmarks run smoke --workers 2

league: out/league/smoke
	$(BIN)/python -m benchmarks compare $(KEPT) out/league/smoke --tolerance 0.01 --complete $(GATED)

league-keep: out/league/smoke
	cp out/league/smoke/rows.jsonl $(KEPT)

micro: $(READY)
	$(BIN)/python -m pytest -q benchmarks/micro

notebooks: $(READY)
	$(BIN)/python tests/consortium/notebook_runs.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) out build dist *.egg-info
