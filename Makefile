# Every target does its own set-up. Start with: make demo
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
export OMP_NUM_THREADS ?= 2

.DEFAULT_GOAL := help
.PHONY: help demo test mutation test-oldest test-services test-web test-vllm test-chaos soak test-wheel lint bench bench-gpu clean up

help: ## what can be done here
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

demo: .venv/run.stamp ## read the sample PDFs end to end and show the rows
	@$(BIN)/surefield demo

up: .venv/run.stamp ## run everything on this machine until Ctrl-C
	@$(BIN)/surefield up

test: .venv/dev.stamp ## the tests, on a real Postgres, nothing mocked
	@$(BIN)/python -m pytest -n 2 --dist loadgroup tests --ignore=tests/services --ignore=tests/benchmarks --ignore=tests/web/browser --ignore=tests/backends/vllm/live

test-oldest: .venv-oldest/ready.stamp ## the readers again, with the oldest transformers that pyproject.toml allows
	@.venv-oldest/bin/python -m pytest -n 2 tests/backends/mllama

test-services: .venv/dev.stamp ## the same flow on RabbitMQ, Redis and Postgres from Debian's packages
	@$(BIN)/python -m pytest tests/services

test-chaos: .venv/dev.stamp ## real processes under faults on three brokers, and the proof that nothing is lost (an hour at most; SHORT=1: five minutes)
	@$(BIN)/python -m tests.chaos $(ARGS)

soak: .venv/dev.stamp ## half an hour under load, and what has grown (MINUTES=6: a try)
	@$(BIN)/python -m tests.chaos.soak --minutes $(or $(MINUTES),35)

test-web: .venv/dev.stamp .venv/axe/axe.min.js ## the review page in a real Chromium (Debian's, /usr/bin/chromium)
	@SUREFIELD_TEST_ITEMS=2000 SUREFIELD_TEST_AXE=$(CURDIR)/.venv/axe/axe.min.js $(BIN)/python -m pytest tests/web/browser tests/web/test_twenty_reviewers.py

test-vllm: .venv/dev.stamp .venv-vllm/ready.stamp ## the vLLM backend and the reranker against real vLLM servers on the CPU (an environment of its own, 2.5 GB)
	@SUREFIELD_TEST_VLLM=$(CURDIR)/.venv-vllm $(BIN)/python -m pytest tests/backends/vllm/live/vllm_live.py tests/backends/vllm/live/rerank_live.py

test-wheel: .venv/bin/python ## the built wheel outside of the checkout: bare, through the demo, and every extra
	@tests/wheel/run $(BIN)/python

mutation: .venv/dev.stamp ## faults planted one at a time, and which of them the tests notice (two hours; more: ARGS=--help)
	@nice -n 10 $(BIN)/python -m tests.mutation $(ARGS)

lint: .venv/dev.stamp ## ruff, mypy --strict, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

bench: .venv/dev.stamp ## one table of measurements, .bench/<name>.json; ONLY=name picks one
	@$(BIN)/python -m tests.benchmarks $(ONLY)

bench-gpu: .venv/dev.stamp ## the engine on a random Mllama of the real 11B size, where there is a GPU
	@$(BIN)/python -m tests.benchmarks.engine_gpu

clean: ## remove the environments and all local state
	rm -rf .venv .venv-oldest .venv-vllm .surefield .bench .mutation .mypy_cache .ruff_cache .pytest_cache build dist

# The accessibility checker, from npm; whatever comes must be these bytes.
AXE_SHA256 := e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745
.venv/axe/axe.min.js: | .venv/bin/python
	@command -v npm >/dev/null || { echo "axe-core comes from npm. Install it: apt-get install npm" >&2; exit 1; }
	@mkdir -p .venv/axe && cd .venv/axe && npm pack --silent axe-core@4.14.1 >/dev/null && echo "$(AXE_SHA256)  axe-core-4.14.1.tgz" | sha256sum -c --quiet && tar -xzf axe-core-*.tgz --strip-components=1 package/axe.min.js

# A stamp for each set of extras, so that a second run starts in seconds.
.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/run.stamp: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) install -q -c constraints.txt -e '.[model,embedded,web,ocr]'
	@touch $@

.venv/dev.stamp: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) install -q -c constraints.txt -e '.[model,embedded,web,ocr,train,dev,redis]'
	@touch $@ .venv/run.stamp

# transformers alone is the oldest; what the newer one brought with it is left to pip, and torch stays as it is pinned.
.venv-oldest/ready.stamp: pyproject.toml constraints.txt
	@rm -rf .venv-oldest && $(PYTHON) -m venv .venv-oldest
	@grep -vE '^(transformers|huggingface_hub|tokenizers|hf-xet)==' constraints.txt >.venv-oldest/constraints.txt
	@.venv-oldest/bin/python -m pip --disable-pip-version-check install -q -c .venv-oldest/constraints.txt \
	  -e '.[model,embedded,web,train,dev]' "transformers==$$(sed -n 's/.*"transformers>=\([0-9.]*\),.*/\1.*/p' pyproject.toml)"
	@touch $@

# Made from nothing when its script changes: the script mends packages in place, which can be done only once.
.venv-vllm/ready.stamp: tests/backends/vllm/live/setup.sh
	@rm -rf .venv-vllm
	@tests/backends/vllm/live/setup.sh .venv-vllm
	@touch $@
