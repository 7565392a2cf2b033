# make demo: entities of docs/sample.txt, with nothing installed but the runtime.
# make test: lint, types and all tests.
# Both need Python 3.11 or later with venv, and the network at their first run.

PYTHON ?= python3
PIP_OPTIONS := --disable-pip-version-check --no-input

DEMO := .venv-demo
TEST := .venv-test
RUNTIME := $(shell find runtime -type f -not -path '*/__pycache__/*')

.PHONY: demo test clean
.DELETE_ON_ERROR:

demo: $(DEMO)/installed
	@echo
	@$(DEMO)/bin/edgener --format text --file docs/sample.txt

test: $(TEST)/installed
	$(TEST)/bin/ruff check .
	$(TEST)/bin/ruff format --check .
	$(TEST)/bin/mypy
	$(TEST)/bin/pytest

clean:
	rm -rf $(DEMO) $(TEST) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(DEMO)/installed: pyproject.toml $(RUNTIME)
	$(PYTHON) -m venv --clear $(DEMO)
	$(DEMO)/bin/pip install $(PIP_OPTIONS) .
	@touch $@

# torch has its own line: asked for as a range, pip may look for a build with CUDA first.
$(TEST)/installed: pyproject.toml
	$(PYTHON) -m venv --clear $(TEST)
	$(TEST)/bin/pip install $(PIP_OPTIONS) --upgrade 'pip>=25.1'
	$(TEST)/bin/pip install $(PIP_OPTIONS) torch==2.13.0
	$(TEST)/bin/pip install $(PIP_OPTIONS) --group lint --group test --editable '.[export]'
	@touch $@
