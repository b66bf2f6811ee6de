# Everything a fresh clone needs beyond Python 3.11 to 3.14, make and git is made here.

MAKEFLAGS += --no-print-directory
VENV := .venv/.installed
RUN := .venv/bin/python -m straywatch
GRACE_OPTION = $(if $(GRACE),--grace '$(GRACE)')
STAGE_OPTION = $(if $(STAGE),--stage '$(STAGE)')
EMAIL_OPTION = $(if $(EMAIL),--email '$(EMAIL)')
YES_OPTION = $(if $(YES),--yes)

.DEFAULT_GOAL := help
.PHONY: help venv demo test check package release deploy destroy bench simulate fuzz screenshots clean

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(VENV) ## Make .venv with the pinned dependencies (every target does so if need be).

$(VENV): requirements-dev.txt requirements.txt pyproject.toml
	@scripts/make_venv.sh

demo: $(VENV) ## Watch the packaged monitor at work on an embedded AWS; ONCE=1 ends after the story.
	@$(RUN) local $(if $(ONCE),--once,--story)

test: $(VENV) ## Run every check and every test, side by side.
	@.venv/bin/python -m scripts.checks --with-tests

check: $(VENV) ## Run the checks alone: format, lint, types, imports, template, workflows, unsafe code.
	@.venv/bin/python -m scripts.checks

package: $(VENV) ## Write build/package/sam.json and build/package/deployment.zip.
	@$(RUN) package

release: $(VENV) ## Write the last commit's release to build/release, made twice and equal: wheel, package, SBOM, sums.
	@.venv/bin/python -m scripts.release

deploy: $(VENV) ## Deploy: EMAIL=you@example.com [GRACE=15m] [STAGE=name] [YES=1].
	@$(RUN) deploy $(EMAIL_OPTION) $(GRACE_OPTION) $(STAGE_OPTION) $(YES_OPTION)

destroy: $(VENV) ## Remove a deployment, keeping its findings: [STAGE=name] [YES=1].
	@$(RUN) destroy $(STAGE_OPTION) $(YES_OPTION)

bench: $(VENV) ## Measure imports, sizes, API calls, delays; ask an independent judge (Node); plant faults.
	@.venv/bin/python -m bench
	@.venv/bin/python -m bench.mutation --share 0.02 --only domain/,channels/

simulate: $(VENV) ## Play N random histories against the monitor and its promises: [N=1000] [SEED=any].
	@.venv/bin/python -m tests.simulation $(if $(N),$(N),1000) $(if $(SEED),--seed $(SEED))

fuzz: $(VENV) ## Break every kind of answer, environment and file of every command: half an hour.
	@.venv/bin/python -m tests.adapters.fuzz --all

screenshots: $(VENV) ## Make docs/images anew from a seeded run on the embedded AWS; needs Chromium.
	@.venv/bin/python -m scripts.screenshots

clean: ## Remove .venv and all that was built.
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf .chalice/deployments straywatch.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
