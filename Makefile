# make demo: entities of docs/sample.txt, with nothing installed but the runtime.
# make test: lint, types and all tests.
# make test-page: the tests of the service's page in a browser; they need Chromium (Debian: apt install chromium).
# make test-fast: the tests of the runtime but for the slow ones, without lint, for use while you write.
# make lint: the linters and the type checker alone, which pre-commit runs too.
# make mutate: changes the code in thousands of small ways, and lists the changes that no test notices; it takes hours.
#   make mutate MUTANTS='edgener.decode.* edgener.tags.*' takes only some modules; the results are kept in build/mutate.
# make mutate-processes: the same for modules whose tests start servers and workers, for a random sample of the changes.
# make test-engines: the tests of Ray, Spark, Daft and datasets, on clusters of two local nodes one of which is killed;
#   needs a gigabyte of disk, Java 17 or later, and a machine that has little else to do.
# make docs: the web site, in build/site.
# make verify-edge: build the default model for a Raspberry Pi 4, and compare its answers under QEMU with this machine's.
# All need Python 3.11 or later with venv, and the network at their first run.

PYTHON ?= python3
# Modules are compiled when they are first imported, most of them never; "compiled" does it for the tests at once.
PIP_OPTIONS := --disable-pip-version-check --no-input --no-compile

DEMO := .venv-demo
TEST := .venv-test
DOCS := .venv-docs
EDGE := .venv-edge
ENGINES := .venv-engines
MUTATE := build/mutate
MUTANTS ?=
SAMPLE ?= 200
EDGE_BUILD := build/edge
EDGE_CACHE ?= $(EDGE_BUILD)/cache
EDGE_OPTIONS = --cache $(EDGE_CACHE) --lock $(EDGE_BUILD)/lock.json
RUNTIME := $(shell find runtime -type f -not -path '*/__pycache__/*')

.PHONY: demo test compiled test-page test-fast test-engines lint mutate mutate-processes docs verify-edge clean
.DELETE_ON_ERROR:

demo: $(DEMO)/installed
	@echo
	@$(DEMO)/bin/edgener --format text --file docs/sample.txt

# Folders whose docstrings are all whole sentences.
SENTENCES := runtime export edge tools tests examples docs

# Seconds after which a test is taken for one that hangs.
HANGS := 600

test: lint
	$(TEST)/bin/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder --timeout $(HANGS)

# Once, before several processes do it each. Some packages carry files that are no Python 3.
compiled: $(TEST)/installed
	-$(TEST)/bin/python -m compileall -qq $(TEST)/lib

test-page: $(TEST)/installed
	$(TEST)/bin/pytest -m browser --timeout $(HANGS) tests/page

test-fast: $(TEST)/installed
	$(TEST)/bin/pytest -m 'not slow' tests/runtime

test-engines: $(ENGINES)/installed
	$(ENGINES)/bin/pytest -m engines tests/engines tests/docs/test_corpora_page.py

lint: $(TEST)/installed
	$(TEST)/bin/ruff check .
	$(TEST)/bin/ruff format --check .
	$(TEST)/bin/python tools/lint_docstrings.py $(SENTENCES)
	$(TEST)/bin/mypy

# mutmut takes a file's path under src/ for the name of its module, so it is given a folder where that is so. It forks
# for each mutant, which the threads of torch would not survive.
mutate: $(TEST)/mutmut
	@mkdir -p $(MUTATE)/src
	@rm -rf $(MUTATE)/mutants/tests
	@ln -sfn $(CURDIR)/pyproject.toml $(CURDIR)/tests $(CURDIR)/tools $(CURDIR)/docs $(MUTATE)
	@ln -sfn $(CURDIR)/runtime/edgener $(CURDIR)/export/edgener_export $(CURDIR)/edge/edgener_edge $(MUTATE)/src
	cd $(MUTATE) && $(CURDIR)/$(TEST)/bin/python tools/mutate.py $(MUTANTS)

mutate-processes: $(TEST)/mutmut
	$(TEST)/bin/python -m tools.mutate_processes --sample $(SAMPLE)

docs: $(DOCS)/installed
	$(DOCS)/bin/sphinx-build --fresh-env --fail-on-warning --keep-going --quiet docs build/site
	@echo "build/site/index.html"

# 43: Debian has replaced a pinned package since the lock file was written; what it offers today is then built.
verify-edge: $(EDGE)/installed
	@mkdir -p $(EDGE_BUILD)
	@cp edge/edgener_edge/lock.json $(EDGE_BUILD)/lock.json
	$(EDGE)/bin/edgener-edge fetch --device pi4 $(EDGE_OPTIONS) || { [ $$? = 43 ] && \
		echo "the lock file is out of date; run 'edgener-edge lock' and commit it" && \
		$(EDGE)/bin/edgener-edge lock $(EDGE_OPTIONS); }
	PATH="$(CURDIR)/$(EDGE)/bin:$$PATH" examples/build_for_pi.sh $(EDGE_BUILD)/edgener-pi4.run $(EDGE_OPTIONS)

clean:
	rm -rf $(DEMO) $(TEST) $(DOCS) $(EDGE) $(ENGINES) build .mypy_cache .ruff_cache .pytest_cache .hypothesis

# An environment with a pip that knows dependency groups.
define NEW_VENV
$(PYTHON) -m venv --clear $(@D)
$(@D)/bin/pip install $(PIP_OPTIONS) --upgrade 'pip>=25.1'
endef

$(DEMO)/installed: pyproject.toml $(RUNTIME)
	$(PYTHON) -m venv --clear $(DEMO)
	$(DEMO)/bin/pip install $(PIP_OPTIONS) .
	@touch $@

$(DOCS)/installed: pyproject.toml
	$(NEW_VENV)
	$(DOCS)/bin/pip install $(PIP_OPTIONS) --group docs --editable .
	@touch $@

$(EDGE)/installed: pyproject.toml
	$(PYTHON) -m venv --clear $(EDGE)
	$(EDGE)/bin/pip install $(PIP_OPTIONS) --editable '.[edge]'
	@touch $@

$(ENGINES)/installed: pyproject.toml
	$(NEW_VENV)
	$(ENGINES)/bin/pip install $(PIP_OPTIONS) --group engines --editable '.[ray,spark]'
	@touch $@

# torch has its own line: asked for as a range, pip may look for a build with CUDA first.
$(TEST)/installed: pyproject.toml
	$(NEW_VENV)
	$(TEST)/bin/pip install $(PIP_OPTIONS) torch==2.13.0
	$(TEST)/bin/pip install $(PIP_OPTIONS) --group lint --group test --group docs --editable \
		'.[export,export-adapt,export-accelerate,export-label,formats,edge,sign,corpora,bench,serve]'
	@touch $@

$(TEST)/mutmut: $(TEST)/installed
	$(TEST)/bin/pip install $(PIP_OPTIONS) --group mutate
	@touch $@
