# `make` alone explains what there is. A machine needs Python 3.11+ (with venv) and make, nothing else.

.DEFAULT_GOAL := help
.PHONY: help demo demo-reset test bench soak lint format browser environment revision clean
SHELL := /bin/sh
BIN := .venv/bin

# Chosen when it is needed, so that `make` and `make clean` work without a Python.
python = $$(.ci/python)

# The demo keeps to a folder of its own, whatever is set for a real installation.
demo = env -u DATABASE_URL -u TRACKER_DATABASE_URL -u TRACKER_SMTP_URL -u TRACKER_BASE_URL -u TRACKER_SECRET_KEY \
	-u TRACKER_KEYRING TRACKER_INSTANCE=instance/demo $(BIN)/tracker demo

help: ## Show this
	@echo "The urgent action case tracker. Say make and one of:"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16
	@echo "PYTHON=/path/to/python3 chooses the Python that .venv is made with."

demo: ## Set up everything, then show the tracker with example cases at a local address (Ctrl-C ends it; kept for next time)
	@py=$(python) && "$$py" .ci/environment.py run
	@exec $(demo) $(if $(PORT),--port $(PORT))

demo-reset: ## Start the demo afresh: what was changed in it is gone
	@py=$(python) && "$$py" .ci/environment.py run
	@exec $(demo) --reset $(if $(PORT),--port $(PORT))

# More workers than cores: many tests wait for a process, a browser or a database more than they compute.
test: environment ## Set up everything, then run every check and test there is; the last lines say what could not run
	@if [ "$$(id -u)" = 0 ]; then .ci/browser || true; fi
	@$(MAKE) --no-print-directory checks || export CHECKS=failed; \
	$(BIN)/python -m pytest -q --dist worksteal -n $$($(BIN)/python -c "import os; print((os.cpu_count() or 1) * 3 // 2 + 1)") $(ARGS) && test -z "$$CHECKS"

bench: environment ## Measure, each thing beside its plain counterpart in the same run: ratios, in a few minutes
	@$(BIN)/python -m benchmarks $(ARGS)

soak: environment ## Ten minutes of faults at random against sending, on both databases; prints the seed, SEED= repeats it
	@$(BIN)/python -m pytest -q -s tests/faults/test_soak.py --soak-seconds=$(or $(SECONDS),600) $(if $(SEED),--soak-seed=$(SEED))

lint: environment checks ## Only the checks that run no test: style, layout, types, floors

.PHONY: checks
checks:
	@echo "Style (ruff)" && $(BIN)/ruff check --quiet .
	@echo "Layout (ruff format)" && { $(BIN)/ruff format --quiet --check . || { echo "make format mends it."; exit 1; }; }
	@echo "Types (mypy)" && $(BIN)/mypy --no-error-summary
	@echo "Floors (import-linter)" && { said=$$($(BIN)/lint-imports --no-logo --no-cache 2>&1) || { echo "$$said"; exit 1; }; }

format: environment ## Lay the code out anew, and mend what can be mended without thinking
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

revision: environment ## A new step of the database, from what the models say now: make revision NAME="hearings have a judge"
	@test -n "$(NAME)" || { echo 'Say what it does: make revision NAME="hearings have a judge"'; exit 2; }
	@scratch=$$(mktemp -d) && export TRACKER_INSTANCE=$$scratch && \
	$(BIN)/alembic -c migrations/alembic.ini upgrade head && \
	$(BIN)/alembic -c migrations/alembic.ini revision --autogenerate -m "$(NAME)" && \
	$(BIN)/ruff check --fix --quiet migrations; $(BIN)/ruff format --quiet migrations; rm -rf "$$scratch"
	@echo "Read it, and the rules at its top, before you commit it together with migrations/head."

browser: ## Make sure there is a Chromium for the browser tests (installs the system's one, as root)
	@.ci/browser

environment: ## Only make .venv as the constraints files say, with what the tests need
	@py=$(python) && "$$py" .ci/environment.py dev

clean: ## Remove what was made here: the environment, caches, pictures of browser tests (never instance/, which holds data)
	@rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis tests/.artifacts
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
