# Variables, all optional: PYTHON (an interpreter >= 3.11; another one makes .venv anew),
# ONCE, HOSTS, STACK (demo), ARGS (test), CONFIG (check).
PYTHONS := $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11)
RUN := .venv/bin/python
IDENTITY := -c 'import sys; print(sys.base_prefix, sys.version)'
# One lock file for every Python from 3.11 on and every platform.
LOCK := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command 'make lock'
SHELL_SCRIPTS := .ci/run $(wildcard userdata/*.sh docker/*/*.sh)

# The same result whatever the user's environment: no foreign modules, UTF-8 in any locale.
unexport PYTHONPATH PYTHONHOME
export PYTHONUTF8 := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint check format bench docs lock clean

help: ## Show this
	@sed -n 's/^\([a-z]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | \
		while IFS="$$(printf '\t')" read -r name text; do printf '  make %-8s %s\n' "$$name" "$$text"; done

setup: .venv/ready ## Install the Python packages in .venv, and the pinned binaries
	@$(RUN) -m sandbox.binaries >/dev/null

# A PYTHON that is not the one that .venv was made with: .venv is made anew.
ifdef PYTHON
ifneq ($(shell $(PYTHON) $(IDENTITY) 2>&1),$(if $(wildcard $(RUN)),$(shell $(RUN) $(IDENTITY) 2>&1)))
.PHONY: .venv/ready
endif
endif

.venv/ready: requirements-dev.lock
	@for python in $(PYTHONS); do \
		if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "Making .venv with $$python and its packages, which takes a minute or two ..."; \
			"$$python" -m venv --clear .venv && \
			$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r $< && \
			touch $@ && exit 0; \
			exit 1; \
		fi; \
	done; \
	echo "error: Python 3.11 or newer is needed; tried: $(PYTHONS)." >&2; \
	echo "Install one (Debian: apt install python3 python3-venv), or: make PYTHON=/path/to/python" >&2; \
	exit 1

demo: setup ## Deploy everything on this machine until Ctrl-C (ONCE=1: until all is UP; HOSTS=N; STACK=prod)
	@$(RUN) -m sandbox demo $(if $(filter-out 0,$(ONCE)),--once) $(if $(HOSTS),--hosts $(HOSTS)) $(if $(STACK),--stack $(STACK))

# Four at a time on two cores: many tests wait for what they have started.
test: lint ## Lint, check types, and run every test (ARGS="-k name": some of them)
	$(RUN) -m pytest -n 4 --dist loadfile --durations=10 $(ARGS)

lint: setup ## Check style, format, types and shell scripts
	$(RUN) -m ruff check
	$(RUN) -m ruff format --check
	$(RUN) -m mypy
	.venv/bin/shellcheck $(SHELL_SCRIPTS)

check: setup ## Check rules, jobs, templates, dashboards and routes of your own, and run their tests (CONFIG=folder)
	@$(RUN) -m configuration_check $(if $(CONFIG),'$(CONFIG)')

format: setup ## Format the Python code, and fix what can be fixed
	$(RUN) -m ruff check --fix
	$(RUN) -m ruff format

bench: setup ## Measure; ends with a table
	@$(RUN) -m benchmarks

docs: setup ## Write the generated parts of the documentation
	@$(RUN) -m docs.generate

lock: setup ## Write the lock files after a change of requirements*.txt (needs the network)
	$(LOCK) requirements.txt --output-file requirements.lock
	$(LOCK) docker/configuration/requirements.txt --output-file docker/configuration/requirements.lock
	$(LOCK) examples/pizza_service/requirements.txt --output-file examples/pizza_service/requirements.lock
	$(LOCK) requirements-dev.txt --constraint requirements.lock --output-file requirements-dev.lock

clean: ## Remove .venv and the tools' caches (the binaries stay in ~/.cache/prometheus-aws)
	rm -rf .venv .build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
