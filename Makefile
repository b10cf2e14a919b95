# Everything here needs Python 3.11 or later, with venv and pip, and make. Node comes with the Python packages.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
BIN := .venv/bin
LOCAL := $(CURDIR)/.venv-local/bin/python
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# A line for each package, as it comes.
PROGRESS := awk '/^Collecting/ { print "  " $$2; fflush() } /^Installing/ { print "  unpacking"; fflush() }'
# Two modules at a time, in the order of their names; those that need a local cloud have one each.
BESIDE := --numprocesses=2 --dist=loadfile --no-loadscope-reorder
# In parts: the CDK's Node process keeps every construct of a run, and slows down with them.
CONSTRUCTS := tests/constructs --ignore=tests/constructs/front_ends
OTHERS := tests/policy tests/properties tests/runtime
PACKAGES := ml_constructs stacks tests lambda app.py

.PHONY: help demo models test unit test-local local check format bench snapshots images lock clean

help: ## List what make can do
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: .venv/demo .venv-local/all node_modules/aws-cdk/package.json build/models/.trained ## Review the examples, deploy one to this machine, use and break it
	@LOCAL_AWS_PYTHON=$(LOCAL) $(BIN)/python -m tests.local_aws.demo

test: .venv/all .venv-local/all node_modules/@sparticuz/chromium/package.json build/models/.trained ## Run every test
	$(BIN)/python -m pytest $(BESIDE) $(CONSTRUCTS)
	$(BIN)/python -m pytest $(BESIDE) tests/constructs/front_ends tests/snapshots tests/contract
	$(BIN)/python -m pytest $(BESIDE) $(OTHERS) tests/local_aws/demo
	@$(MAKE) --no-print-directory test-local

unit: .venv/all node_modules/@sparticuz/chromium/package.json build/models/.trained ## Run the tests that deploy nothing
	$(BIN)/python -m pytest $(BESIDE) $(CONSTRUCTS)
	$(BIN)/python -m pytest $(BESIDE) tests/constructs/front_ends $(OTHERS)

test-local: .venv/all .venv-local/all node_modules/@sparticuz/chromium/package.json build/models/.trained ## Test the local cloud, and the examples on it
	$(LOCAL) -m pytest $(BESIDE) --confcutdir=tests/local_aws --ignore=tests/local_aws/demo tests/local_aws
	LOCAL_AWS_PYTHON=$(LOCAL) $(BIN)/python -m pytest $(BESIDE) tests/end_to_end

local: .venv-local/all ## Run a local cloud until Ctrl-C
	@$(LOCAL) -m tests.local_aws

check: .venv/all ## Check format, lint, types and import rules
	$(BIN)/ruff format --check $(PACKAGES)
	$(BIN)/ruff check $(PACKAGES)
	$(BIN)/mypy
	PYTHONPATH=lambda $(BIN)/lint-imports

format: .venv/all ## Format, and fix what can be fixed
	$(BIN)/ruff format $(PACKAGES)
	$(BIN)/ruff check --fix $(PACKAGES)

bench: .venv/all .venv-local/all node_modules/aws-cdk/package.json build/models/.trained ## Measure against baselines, in pairs
	$(BIN)/python -m tests.bench

snapshots: .venv/all build/models/.trained ## Accept the templates and acknowledgements as they are now
	$(BIN)/python -m pytest tests/snapshots --snapshot-update

images: .venv/all ## Generate the table of AWS-owned images from the SageMaker SDK
	$(BIN)/python tests/contract/image_table.py

models: build/models/.trained ## Train the example models

build/models/.trained: .venv/demo $(wildcard stacks/models/*.py stacks/models/*/code/*.py)
	@$(BIN)/python -m stacks.models.train --out build/models
	@touch $@

lock: .venv/all ## Pin the newest versions that pyproject.toml allows
	$(BIN)/uv pip compile --quiet --upgrade --python-version 3.11 --no-emit-index-url --no-emit-find-links --no-header \
		--no-annotate pyproject.toml --group demo --group test --group sdk --output-file requirements/all.txt
	$(BIN)/uv pip compile --quiet --upgrade --python-version 3.11 --no-emit-index-url --no-emit-find-links --no-header \
		--no-annotate pyproject.toml --group demo --constraint requirements/all.txt --output-file requirements/demo.txt
	$(BIN)/uv pip compile --quiet --upgrade --python-version 3.11 --no-emit-index-url --no-emit-find-links --no-header \
		--no-annotate --group local --output-file requirements/local.txt

.venv/created:
	@echo "Creating the virtual environment"
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or later is needed, this is " + sys.version)'
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/demo: requirements/demo.txt | .venv/created
	@echo "Installing the pinned packages of the demo"
	@$(BIN)/pip install --requirement $< | $(PROGRESS)
	@touch $@

.venv/all: requirements/all.txt .venv/demo
	@echo "Installing the pinned packages of the tests, about 500 MB"
	@$(BIN)/pip install --requirement $< | $(PROGRESS)
	@touch $@

.venv-local/all: requirements/local.txt
	@echo "Installing the pinned packages of the local cloud"
	@$(PYTHON) -m venv .venv-local
	@$(LOCAL) -m pip install --requirement $< | $(PROGRESS)
	@touch $@

node_modules/aws-cdk/package.json: package.json package-lock.json .venv/demo
	@echo "Installing the pinned CDK command line"
	@npm ci --omit=dev --loglevel=error
	@touch $@

node_modules/@sparticuz/chromium/package.json: package.json package-lock.json .venv/demo
	@echo "Installing the CDK command line and the browser of the tests, pinned"
	@npm ci --loglevel=error
	@touch node_modules/aws-cdk/package.json $@

clean: ## Remove everything that make made
	rm -rf .venv .venv-local node_modules build dist cdk.out
