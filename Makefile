# Bargate. Each target calls a script in scripts/; `make` alone lists them.

ifeq ($(shell command -v node 2>/dev/null),)
$(error Node.js is missing: install version 20 or later from https://nodejs.org/)
endif

.PHONY: help setup build package dev test docs interop audit bench bench-floor bench-curves chaos chaos-rows deploy clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(firstword $(MAKEFILE_LIST)) | sed -E 's/:.*## /\t/' | awk -F '\t' '{ printf "make %-12s %s\n", $$1, $$2 }'

setup: ## install what is missing, each thing once
	@node scripts/setup.mjs

build: ## check gateway.config.json and build the Worker into build/
	@node scripts/build.mjs

package: build ## build the packages of npm into dist/
	@node_modules/.bin/node scripts/package.mjs

dev: ## start the gateway, a local tenant and a sample API; Ctrl-C ends all three
	@node scripts/dev.mjs

test: ## formatting, lints, types, host tests, build, end-to-end tests
	@node scripts/test.mjs

docs: ## make the documents a static site in build/site/, and check its links
	@node scripts/docs.mjs

interop: build ## walk every step at real providers and with real clients, and write docs/providers.md
	@npx wrangler deploy --dry-run --outdir build/bundle
	@node_modules/.bin/node tests/interop/run.mjs

audit: ## ask crates' and packages' advisories for known vulnerabilities
	@node scripts/audit.mjs

bench: build ## what a request, a start and the bundle cost, beside what others cost and what is allowed
	@npx wrangler deploy --dry-run --outdir build/bundle
	@node_modules/.bin/node bench/main.mjs

bench-floor: build ## where the cost of a request and of a start goes, one thing at a time
	@npx wrangler deploy --dry-run --outdir build/bundle
	@node_modules/.bin/node bench/floor.mjs

bench-curves: build ## how costs grow: with routes, sessions, bodies, headers, tokens, authorizers, connections
	@npx wrangler deploy --dry-run --outdir build/bundle
	@node_modules/.bin/node bench/curves.mjs
	@cargo bench --bench routes
	@node_modules/.bin/node bench/memory.mjs

chaos: chaos-rows build ## what becomes of logins under load, faults and restarts, row by row (ROW=name SEED=n for one)
	@npx wrangler deploy --dry-run --outdir build/bundle
	@node_modules/.bin/node chaos/main.mjs $(ROW) $(if $(SEED),--seed $(SEED))

# A name that no row has is said before anything is built.
chaos-rows: setup
	@node_modules/.bin/node chaos/main.mjs --list $(ROW) > /dev/null

deploy: setup ## deploy to your own Cloudflare account
	@npx wrangler deploy

clean: ## remove what was built (not what was installed)
	@rm -rf target build .wrangler
