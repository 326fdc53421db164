# Needs Python 3.10 or later and make. Everything is installed into .venv; nothing else is touched.
PYTHON ?= python3
BIN := .venv/bin
# Threads that wait by spinning make everything several times slower where cores are shared.
export OMP_WAIT_POLICY = PASSIVE

.PHONY: demo test campaign kills docs clean

demo: .venv/installed
	$(BIN)/python demo/demo.py

test: .venv/installed-test
	$(BIN)/python -m pytest -p tests.covered

# Thousands of damaged files in place of the few that make test reads.
campaign: .venv/installed-test
	CAMPAIGN=2500 $(BIN)/python -m pytest tests/campaign

# A hundred commands killed at random moments, and given again.
kills: .venv/installed-test
	KILLS=100 $(BIN)/python -m pytest tests/kills

docs: .venv/installed-test
	$(BIN)/mkdocs build --strict

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable .
	touch $@

.venv/installed-test: .venv/installed
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[test]'
	touch $@

clean:
	rm -rf .venv demo-out site
