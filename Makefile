# `make demo` and `make test` do the whole set-up on a fresh machine; a second call does none. See CONTRIBUTING.md.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3)
# The release of the `ansible` package whose amazon.aws is used: 14.5.0 carries 11.4.0.
ANSIBLE_BUNDLE := 14.5.0
# The last line of it that carries awx.awx: 24.6.1, used by the role `awx` and its test.
AWX_BUNDLE := 11.13.0
# Test processes side by side.
JOBS ?= 2

PRODUCT := .venv/.product
GATES := .venv/.gates
TREE := .build/.tree-$(ANSIBLE_BUNDLE)-$(AWX_BUNDLE)

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export VIRTUAL_ENV := $(CURDIR)/.venv
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.build
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help setup demo test test-unit lint bench faults screenshots molecule clean

help:
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

setup: $(GATES) $(TREE) ## virtual environment and collection tree (the other targets call it)

$(PRODUCT): requirements.txt constraints.txt
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet -r requirements.txt -c constraints.txt
	@touch $@

$(GATES): requirements-dev.txt constraints.txt $(PRODUCT)
	.venv/bin/python -m pip install --quiet -r requirements-dev.txt -c constraints.txt
	@touch $@

$(TREE): tools/collection_tree.py | $(PRODUCT)
	.venv/bin/python tools/collection_tree.py live .build $(ANSIBLE_BUNDLE) $(AWX_BUNDLE)
	@touch $@

demo: $(PRODUCT) $(TREE) ## an estate fails over against the sandbox
	tools/demo.sh

test: setup ## unit and integration tests
	.venv/bin/python -m pytest -n $(JOBS) --dist loadfile tests/unit tests/integration tests/faults

test-unit: setup ## the quick part of the tests
	.venv/bin/python -m pytest tests/unit

faults: setup ## kills, dark regions, refusals at every call; FULL=1 tries all points
	FULL=$(FULL) .venv/bin/python -m pytest -n $(JOBS) --dist worksteal tests/faults

bench: setup ## a wave of a thousand services against a plain thread pool
	PYTHONPATH=.build .venv/bin/python -m benchmarks

lint: setup ## every gate; `make lint GATE=ruff` runs one
	.venv/bin/python tools/lint.py $(GATE)

screenshots: setup ## report and dashboard as pictures under .build/screenshots (needs Chromium)
	PYTHONPATH=.build .venv/bin/python tools/screenshots.py .build/screenshots

molecule: setup ## the failover scenario
	.venv/bin/python tools/lint.py molecule

clean: ## forget the virtual environment and everything built
	rm -rf .venv .build
