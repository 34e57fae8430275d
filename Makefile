# The verbs of the project. `make run` and `make test` are all that a newcomer needs.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup run test crash lint types bench docs fmt proto web-check instruments clean

help: ## list the verbs
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1 - /' 

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Sonotype needs Python 3.11 or newer"'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	@echo "installing Sonotype and its packages (PyTorch is large: this takes a few minutes the first time) ..."
	$(BIN)/python -m pip install --quiet --editable '.[train]'
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

setup: $(VENV)/.installed ## install into .venv and pull the default weights
	$(BIN)/sonotype models pull --all

run: setup ## set up, then serve REST, gRPC and the web page (ARGS="--port 9000" to change)
	$(BIN)/sonotype serve --open $(ARGS)

test: setup $(VENV)/.installed-dev ## run every test (brings a Redis server of its own)
	$(BIN)/python -m pytest -n 2 --dist loadfile --reruns 1 -r fER $(ARGS)

crash: setup $(VENV)/.installed-dev ## kill the service 20 times while 5 000 tracks are stored (ARGS="--seed 2 --eager" to change)
	$(BIN)/python tests/service/crasher.py $(ARGS)

lint: $(VENV)/.installed-dev ## ruff, import contracts, Dockerfile and YAML
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile
	$(BIN)/yamllint -s docker-compose.yml deploy

types: $(VENV)/.installed-dev ## mypy, strict
	$(BIN)/mypy

fmt: $(VENV)/.installed-dev ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.installed-dev ## regenerate what is generated: settings table, OpenAPI
	$(BIN)/python -m scripts.settings_table
	$(BIN)/python -m scripts.gen_openapi

proto: $(VENV)/.installed-dev ## regenerate the gRPC code
	$(BIN)/python -m scripts.gen_proto

bench: setup ## the benchmarks that compare with peers (see bench/README.md)
	$(BIN)/python -m bench $(ARGS)

web-check: ## look at the page of a running service in a headless Chromium (URL=http://localhost:8000)
	$(BIN)/python scripts/web_check.py $(or $(URL),http://localhost:8000) tests/golden/clips/rock.mp3
	$(BIN)/python scripts/web_catalog_check.py $(or $(URL),http://localhost:8000) $(addprefix tests/golden/clips/,rock.mp3 metal.mp3 reggae.mp3)
	for page in prototypes listen taggers; do \
	  $(BIN)/python scripts/web_$${page}_check.py $(or $(URL),http://localhost:8000) tests/golden/clips/rock.mp3 || exit 1; done

# Data, embeddings and prototypes follow from seeds. The decoder gets a budget in minutes, so how far it is trained, and
# with it the sounds and badges, depends on the machine. What a step has finished is kept when it is run again.
INSTRUMENTS ?= build/instruments
INSTRUMENTS_MODEL := models/instruments-pecmae
INSTRUMENTS_EMBEDDING := musicnn-mtt@penultimate
INSTRUMENTS_WORDS := "Twelve instruments in solo phrases of a few seconds, told apart by five learned prototypes \
each. Learned from two collections per instrument, most of them rendered from samples; other collections, rooms and \
mixtures are harder."

instruments: setup $(VENV)/.installed-dev ## make the shipped prototype model anew: data, prototypes, decoder, gate (hours)
	$(BIN)/python -m pip install --quiet --no-deps tinysoundfont==0.3.7 # its dependency PyAudio is for live playing only
	$(BIN)/sonotype data make instruments $(INSTRUMENTS) --seed 0
	rm -rf $(INSTRUMENTS_MODEL)
	$(BIN)/sonotype train prototypes --data $(INSTRUMENTS)/manifest.csv --embedding $(INSTRUMENTS_EMBEDDING) \
	  --out $(dir $(INSTRUMENTS_MODEL)) --name $(notdir $(INSTRUMENTS_MODEL)) -k 3 -k 5 -k 10 --seeds 3 --keep-segments \
	  --title "Instruments (PECMAE)" --description $(INSTRUMENTS_WORDS) \
	  --licence Apache-2.0 --holder "the Sonotype authors" --commercial
	$(BIN)/sonotype train decoder --data $(INSTRUMENTS)/manifest.csv --embedding $(INSTRUMENTS_EMBEDDING) \
	  --out $(INSTRUMENTS_MODEL) --seed 0
	$(BIN)/sonotype gate $(INSTRUMENTS_MODEL) --data $(INSTRUMENTS)/manifest.csv --tries 2 --report docs/instruments-pecmae

clean: ## remove the virtual environment and caches of tools
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
