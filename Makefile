PYTHON ?= python3.11
BIN := .venv/bin
# two test processes with two threads each would be in each other's way
export OPENBLAS_NUM_THREADS ?= 1

help:      ## what can be made
	@grep -hE '^[a-z]+: .*##|^[a-z]+:  *##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 12

run: .venv/.ready   ## set everything up, rate the simulated province and serve the site
	$(BIN)/evaluator demo

test: .venv/.ready   ## set everything up and pass every test that needs nothing but PyPI
	$(BIN)/python -m pytest -m "not browser" -n 2 --dist loadfile

setup: .venv/.ready   ## only prepare .venv

check: .venv/.ready   ## lint, format, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

PROVIDER := tests/browser/oidc
browser: .venv/.ready $(PROVIDER)/node_modules/.ready   ## the browser tests; needs Chromium, a CJK font and npm
	$(BIN)/python -m pytest -m browser -n 2 --dist loadfile

# the provider of accounts that people sign in with in these tests; Playwright brings Node along, but no npm
$(PROVIDER)/node_modules/.ready: $(PROVIDER)/package-lock.json
	@if command -v npm >/dev/null; then npm ci --prefix $(PROVIDER) --no-audit --no-fund && touch $@; \
	elif [ "$$CI" = true ]; then echo "npm is missing" >&2; exit 1; \
	else echo "npm is missing: the tests that sign in with an account are skipped"; fi

format: .venv/.ready   ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# uv when it can be had (seconds), pip otherwise (a minute): the same pinned, hashed list
.venv/.ready: requirements.lock pyproject.toml
	rm -rf .venv && $(PYTHON) -m venv .venv
	grep -A99 '^uv==' requirements.lock | awk 'NR==1||/^ /{print;next}{exit}' > .venv/uv.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r .venv/uv.txt && \
	  UV_SYSTEM_CERTS=1 $(BIN)/uv pip install -q -p $(BIN)/python --require-hashes -r requirements.lock || \
	  $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

lock: .venv/.ready   ## resolve the dependencies anew
	UV_SYSTEM_CERTS=1 $(BIN)/uv pip compile -q pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --no-emit-index-url --upgrade -o requirements.lock

css:   ## rebuild the committed style sheet; needs npm
	npm install --no-save --no-audit --no-fund --prefix .css-build govuk-frontend@6.6 sass@1
	.css-build/node_modules/.bin/sass --quiet-deps --no-source-map --style=compressed \
	  --load-path=.css-build/node_modules evaluator/static/source/evaluator.scss evaluator/static/evaluator.css
	rm -rf .css-build

js:   ## rebuild the committed scripts of the pages; needs npm
	npm install --no-save --no-audit --no-fund --prefix .js-build esbuild@0.28
	(printf '/* source/expressions.js %s, by make js */\n' $$(sha256sum evaluator/static/source/expressions.js | cut -c1-16); \
	  .js-build/node_modules/.bin/esbuild --minify --format=esm --target=es2017 evaluator/static/source/expressions.js) \
	  > evaluator/static/expressions.js
	(printf '/* source/form.js and expressions.js %s, by make js */\n' \
	  $$(cat evaluator/static/source/form.js evaluator/static/source/expressions.js | sha256sum | cut -c1-16); \
	  .js-build/node_modules/.bin/esbuild --bundle --minify --format=esm --target=es2017 evaluator/static/source/form.js) \
	  > evaluator/static/form.js
	(printf '/* source/receipt.js %s, by make js */\n' $$(sha256sum evaluator/static/source/receipt.js | cut -c1-16); \
	  .js-build/node_modules/.bin/esbuild --minify --format=esm --target=es2017 evaluator/static/source/receipt.js) \
	  > evaluator/static/receipt.js
	(printf '/* source/receipt_page.js and receipt.js %s, by make js */\n' \
	  $$(cat evaluator/static/source/receipt_page.js evaluator/static/source/receipt.js | sha256sum | cut -c1-16); \
	  .js-build/node_modules/.bin/esbuild --bundle --minify --format=esm --target=es2017 \
	  evaluator/static/source/receipt_page.js) > evaluator/static/receipt_page.js
	(printf '/* source/code.js %s, by make js */\n' $$(sha256sum evaluator/static/source/code.js | cut -c1-16); \
	  .js-build/node_modules/.bin/esbuild --minify --format=esm --target=es2017 evaluator/static/source/code.js) \
	  > evaluator/static/code.js
	rm -rf .js-build

.PHONY: help run test setup check browser format lock css js
