# Every target works on a fresh clone and needs nothing run before it: only python3 >= 3.11 with venv, and make.
#   make demo            play a month through the real processes and check the books; TRACE=dir replays a cluster's trace
#   make up              web server, worker and beat until Ctrl-C; prints the address and the logins
#   make test            all tests with coverage thresholds; ARGS="tests/ledger -x" runs a part, without thresholds
#   make check           every gate besides the tests; -j2 runs them beside each other
#   make bench           the benchmarks, each against its baseline
#   make clean           stop the embedded servers and remove everything that was made here
# PYTHON=/path/to/python3 chooses the interpreter of .venv.

# Some machines forbid it: each of a hundred processes would compile everything anew that the first has compiled.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
GATES := format lint types layers deployment migrations schema
ROOMS := ledger vouchers billing market/matching
.PHONY: help demo up test check bench clean coverage $(GATES:%=check-%) $(ROOMS:%=coverage-%)
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed-from-lock
BENCH_STAMP := $(VENV)/installed-for-benchmarks

help:
	@sed -n 's/^#   //p' Makefile

demo: $(STAMP)
	$(BIN)/python manage.py demo $(if $(TRACE),--trace "$(TRACE)")

up: $(STAMP)
	$(BIN)/python manage.py up

ifdef ARGS
test: $(STAMP)
	$(BIN)/python -m pytest -n auto $(ARGS)
else
test: $(STAMP)
	$(BIN)/python -m pytest -n auto --maxschedchunk=4 --cov --cov-report=
	@$(MAKE) -k -j2 --output-sync coverage $(ROOMS:%=coverage-%)
endif

# Two at a time: each parses its files anew to find their branches.
$(ROOMS:%=coverage-%): coverage-%:
	@echo "branch coverage of $*, at least 95 %:"
	@$(BIN)/coverage report --skip-covered --include="$*/*" --fail-under=95
coverage:
	@echo "branch coverage of everything, at least 85 %:"
	@$(BIN)/coverage report --skip-covered --fail-under=85

# What production must have; the servers named here are not contacted.
PRODUCTION := SUANYI_ENV=production ALLOWED_HOSTS=suanyi.example \
	SECRET_KEY=only-for-this-check-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGH \
	DATABASE_URL=postgres://suanyi_app@127.0.0.1/suanyi DATABASE_OWNER_URL=postgres://suanyi@127.0.0.1/suanyi \
	REDIS_URL=redis://127.0.0.1/0 TRANSPARENCY_KEY=only-for-this-check SUANYI_MEDIA_ROOT=/media

check: $(GATES:%=check-%)

check-format: $(STAMP)
	$(BIN)/ruff format --check
check-lint: $(STAMP)
	$(BIN)/ruff check
check-types: $(STAMP)
	$(BIN)/mypy
check-layers: $(STAMP)
	$(BIN)/lint-imports
check-deployment: $(STAMP)
	$(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING
check-migrations: $(STAMP)
	$(BIN)/python manage.py makemigrations --check --dry-run
check-schema: $(STAMP)
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file /dev/null

BENCHMARKS := usage_ingest voucher_quote redemption transparency ledger search matching market_data

bench: $(BENCH_STAMP)
	@for benchmark in $(BENCHMARKS); do echo "== $$benchmark"; $(BIN)/python -m "benchmarks.$$benchmark" || exit 1; done

clean:
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m config.runtime remove; fi
	rm -rf $(VENV) var staticfiles htmlcov .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Wheels only, so that no compiler is needed. The lock names every package, so nothing is resolved: pip would take
# `coverage[toml]>=7` for a release newer than the locked one and refuse it for want of a hash.
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --require-hashes --no-deps

# Tests and gates need no network once anything was played; the image of production has the first file's packages only.
$(STAMP): requirements.lock requirements-dev.lock
	@python=$$(for each in $(PYTHON) $(if $(PYTHON),,python3 python3.14 python3.13 python3.12 python3.11); do \
		"$$each" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$each" && break; \
	done); \
	if [ -z "$$python" ]; then \
		echo "No Python >= 3.11 with venv found$(if $(PYTHON), at $(PYTHON)). Install one (Debian: python3-venv) or set PYTHON=/path/to/python3." >&2; \
		exit 1; \
	fi; \
	echo "Making $(VENV) with $$($$python --version) …"; \
	"$$python" -m venv $(VENV)
	@echo "Installing the locked packages, hashes checked …"
	@$(INSTALL) --only-binary :all: -r requirements.lock -r requirements-dev.lock
	@touch $@

# The ledger's baseline comes as pure Python source.
$(BENCH_STAMP): $(STAMP) requirements-bench.lock
	@$(INSTALL) --only-binary :all: --no-binary django-hordak -r requirements-bench.lock
	@touch $@
