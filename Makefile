# Everything a fresh machine needs: Python 3.11, make and a package index. Nothing is installed outside .venv.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# No telemetry leaves: BentoML counts only the word "true".
export BENTOML_DO_NOT_TRACK := true
export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := true
export ENCOURS_HOME ?= $(CURDIR)/var

.PHONY: setup demo test lint types imports check messages minimal lock clean

setup: $(STAMP)

$(STAMP): requirements/dev.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed: set PYTHON=/path/to/python3.11"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/installer.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.lock \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	touch $(STAMP)

demo: setup
	$(BIN)/encours run --ledger data_samples/ledger

test: setup
	$(BIN)/pytest -n 2 --dist loadfile

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

imports: setup
	$(BIN)/lint-imports

check: lint types imports test

# Take the sentences of the program into the catalogue of each language and compile it; translations of new ones are
# written by hand. A new language is a new folder of features/locale.
LOCALE := features/locale
messages: setup
	$(BIN)/pybabel -q extract -F babel.cfg --no-default-keywords -k localized -k localized_plural:1,2 -k _ -k plural:1,2 --add-location file --sort-by-file \
	  --project encours --copyright-holder "Encours" -o $(LOCALE)/encours.pot features models serving pipelines
	for language in $(notdir $(patsubst %/,%,$(wildcard $(LOCALE)/*/))); do \
	  $(BIN)/pybabel -q update --domain encours --locale $$language --init-missing --no-fuzzy-matching --ignore-obsolete \
	    --ignore-pot-creation-date --input-file $(LOCALE)/encours.pot --output-dir $(LOCALE) || exit 1; done
	rm $(LOCALE)/encours.pot
	$(BIN)/pybabel -q compile --domain encours --directory $(LOCALE)

# Small installs stay small. Apart from check: it needs a package index.
minimal: setup
	.ci/check-minimal-imports

# Locks are made without index addresses: hashes name the files, the reader's index serves them.
lock:
	$(BIN)/uv pip compile -q pyproject.toml --extra dev --generate-hashes --python-version 3.11 --no-header -o requirements/dev.lock
	$(BIN)/uv pip compile -q pyproject.toml --extra serve --generate-hashes --python-version 3.11 --no-header -o requirements/serve.lock
	echo "uv>=0.9" | $(BIN)/uv pip compile -q - --generate-hashes --python-version 3.11 --no-header -o requirements/installer.lock
	echo "hatchling>=1.27" | $(BIN)/uv pip compile -q - --generate-hashes --python-version 3.11 --no-header -o requirements/build.lock

clean:
	rm -rf $(VENV) var build dist
