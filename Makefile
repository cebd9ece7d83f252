# make demo   sets everything up and processes the days of a real archive with a real Airflow
# make test   sets everything up and runs the tests
# make help   lists the other targets

PYTHON := $(shell for name in python3 python3.13 python3.12 python3.11; do \
	if $$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; \
	then command -v $$name; break; fi; done)
BIN := .venv/bin
ENVIRONMENT := .venv/ready
# with the kernels of this tree
READY := .venv/kernels
KERNELS := airflow_mlmon/profiles/values/_kernels.c include/kernels/build.py
UV := $(BIN)/uv --quiet --no-progress --system-certs
# a shell that forbids bytecode would compile every module again in every process
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo up down serve druid druid-down test fuzz test-druid test-guards test-versions bench-profiles bench-druid bench-alerts bench-faults bench-faults-peers bench-models bench-day bench-intake bench-fleet bench-capture lint format dashboards docs bench lock wheel release versitygw azurite axe fake-gcs-server otelcol environments clean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

setup: $(READY) ## create the environment .venv from requirements.lock

demo: $(READY) ## run 1 to 14 March 2013, or FROM=2013-09-05 TO=2013-09-18, and print the days
	@$(BIN)/python -m include.demo.run demo $(if $(FROM),--from $(FROM)) $(if $(TO),--to $(TO))

up: $(READY) ## the same, and leave Airflow running to click through
	@$(BIN)/python -m include.demo.run up $(if $(FROM),--from $(FROM)) $(if $(TO),--to $(TO))

down: $(READY) ## stop what `make up` left running
	@$(BIN)/python -m include.demo.run down

serve: $(READY) .cache/environments/serving/ready ## serve, capture and monitor 7 to 9 March 2013 under load, or FROM=2013-03-05 DAYS=2; STAY=1 leaves the service running
	@$(BIN)/python -m include.serving.run $(if $(FROM),--from $(FROM)) $(if $(DAYS),--days $(DAYS)) $(if $(STAY),--stay)

druid: $(READY) ## start a Druid without docker (Java 17 and Maven), in the background
	@$(BIN)/python -m include.druid.run up

druid-down: $(READY) ## stop what `make druid` left running
	@$(BIN)/python -m include.druid.run down

test: $(READY) ## run every test, in two processes; ARGS="-k spec" for some
	@$(BIN)/python -m pytest -n 2 --no-loadscope-reorder $(ARGS)

fuzz: $(READY) ## read 10,000 damaged files of every format, and account for each row; FILES=500 for fewer
	@FUZZED_FILES=$(or $(FILES),10000) $(BIN)/python -m pytest tests/property/test_fuzzed_files.py --timeout 3600 $(ARGS)

test-druid: $(READY) ## run the tests that start real Druids; ARGS="-k faults" for some
	@$(BIN)/python -m pytest tests/druid $(ARGS)

test-guards: $(READY) ## take out each guard against faults and attacks, and see its test fail; ARGS="--only fault-06" for one
	@$(BIN)/python -m tests.guards.run $(ARGS)

test-versions: $(READY) ## run a part of the tests with the lowest and the newest versions, each in an environment of its own; ARGS="--only lowest-3.11" for one
	@$(BIN)/python -m tests.versions.run $(ARGS)

bench-profiles: $(READY) ## measure profiles against the goals; ARGS="--only times_popmon" for some
	@$(BIN)/python -m tests.benchmarks.profiles.run $(ARGS)

bench-druid: $(READY) ## measure a real Druid against the goals; ARGS="--days 2 --rows 1000" for a small one
	@$(BIN)/python -m tests.benchmarks.druid.run $(ARGS)

bench-alerts: $(READY) ## measure false alarms and found faults; ARGS="--days 50" for a short run
	@$(BIN)/python -m tests.benchmarks.alerts.run $(ARGS)

bench-faults: $(READY) ## plant faults in real data and count those found; ARGS="--only nulls --data flights --days 5" for some
	@OMP_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.faults.run $(ARGS)

bench-faults-peers: $(READY) ## ask other tools about some of the same faults; ARGS="--data flights" for fewer
	@OMP_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.faults.peers.run $(ARGS)

bench-models: $(READY) ## measure metrics of models and their estimates; ARGS="--only cbpe_mae" for some
	@$(BIN)/python -m tests.benchmarks.models.run $(ARGS)

bench-day: $(READY) ## measure whole days against the goals; ARGS="--only day_cpu_s_5000" for some
	@$(BIN)/python -m tests.benchmarks.day.run $(ARGS)

bench-intake: $(READY) ## measure the intake of large days against the goals; ARGS="--only csv_ratio" for some
	@$(BIN)/python -m tests.benchmarks.intake.run $(ARGS)

bench-fleet: $(READY) ## measure pages and a night among 500 models with a year each; ARGS="--models 20" for a small fleet
	@$(BIN)/python -m tests.benchmarks.fleet.run $(ARGS)

bench-capture: $(READY) ## measure what capture costs a service, and what is lost; ARGS="--only lost_term" for some
	@$(BIN)/python -m tests.benchmarks.capture.run $(ARGS)

lint: $(READY) ## check style, types, layers and dependencies
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy --python-version 3.10 --package airflow_mlmon.capture
	$(BIN)/lint-imports
	$(BIN)/deptry .

format: $(READY) ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

dashboards: .cache/environments/grafana/ready ## write Grafana's dashboards as JSON from their source in Python
	@PYTHONPATH=. .cache/environments/grafana/bin/python -m include.deploy.grafana.source.write include/deploy/grafana/dashboards

docs: $(READY) ## regenerate the generated parts of the docs: tables, an example, links between pages
	$(BIN)/python -m tests.support.docs

bench: $(READY) ## time the run of a day with 100,000 rows and 20 columns
	$(BIN)/python -m tests.benchmarks.day.in_airflow

lock: $(READY) ## resolve requirements.lock again
	$(UV) pip compile pyproject.toml --extra test --universal --python-version 3.11 \
		--no-emit-index-url --generate-hashes --no-annotate --no-header --output-file requirements.lock
	for wanted in include/serving/requirements.in tests/environments/*.in; do \
		$(UV) pip compile $$wanted --universal --python-version 3.11 \
		--no-emit-index-url --generate-hashes --no-annotate --no-header --output-file $${wanted%.in}.txt; done

wheel: $(READY) ## build the wheels: all with the kernels, for any Linux (needs a compiler), and the capture library alone
	@$(BIN)/python -m hatchling build --target wheel
	@cd include/capture && ../../$(BIN)/python -m hatchling build --target wheel --directory ../../dist

release: $(READY) .cache/environments/release/ready ## check that this tree can be released, and build its wheels and sdists into dist
	@$(BIN)/python -m include.release.run

versitygw: .cache/bin/versitygw ## build the second S3 server of the tests (needs Go)

.cache/bin/versitygw:
	CGO_ENABLED=0 GOBIN=$(CURDIR)/.cache/bin go install github.com/versity/versitygw/cmd/versitygw@v1.8.0

azurite: .cache/azurite/node_modules/.bin/azurite-blob ## install the Azure server of the tests (needs Node)

.cache/azurite/node_modules/.bin/azurite-blob:
	npm install --prefix $(CURDIR)/.cache/azurite --no-audit --no-fund --loglevel=error azurite@3.35.0

axe: .cache/axe/node_modules/axe-core/axe.min.js ## install what looks at the accessibility of pages in the tests (needs Node)

.cache/axe/node_modules/axe-core/axe.min.js:
	npm install --prefix $(CURDIR)/.cache/axe --no-audit --no-fund --loglevel=error axe-core@4.14.1

fake-gcs-server: .cache/bin/fake-gcs-server ## build the server of Google Cloud Storage of the tests (needs Go)

.cache/bin/fake-gcs-server:
	CGO_ENABLED=0 GOBIN=$(CURDIR)/.cache/bin go install github.com/fsouza/fake-gcs-server@v1.56.1

otelcol: .cache/bin/otelcol ## build the OpenTelemetry Collector of the tests (needs Go)

.cache/bin/otelcol: tests/collector/main.go tests/collector/go.mod tests/collector/go.sum
	cd tests/collector && CGO_ENABLED=0 GOBIN=$(CURDIR)/.cache/bin go install -trimpath -ldflags='-s -w' .
	@touch $@

# what runs beside the monitoring, in environments of its own: the example service, and what its tests start
ENVIRONMENTS := serving bentoml mlserver mlflow release grafana

environments: $(ENVIRONMENTS:%=.cache/environments/%/ready) ## install the example service, BentoML, MLServer, MLflow, what checks releases and what makes dashboards, each apart

.cache/environments/serving/ready: include/serving/requirements.txt
.cache/environments/bentoml/ready: tests/environments/bentoml.txt
.cache/environments/mlserver/ready: tests/environments/mlserver.txt
.cache/environments/mlflow/ready: tests/environments/mlflow.txt
.cache/environments/grafana/ready: tests/environments/grafana.txt
.cache/environments/release/ready: tests/environments/release.txt

.cache/environments/%/ready: | $(READY)
	@echo "creating $(@D)"
	@$(UV) venv --clear --python $(BIN)/python $(@D)
	@$(UV) pip sync --python $(@D)/bin/python --compile-bytecode --require-hashes $<
	@touch $@

clean: ## remove everything that make created
	rm -rf .venv .demo .druid .cache build

$(READY): $(ENVIRONMENT) $(KERNELS) airflow_mlmon/__init__.py
	@# again where the version is another, which is read of what is installed
	@$(UV) pip install --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m include.kernels.build
	@touch $@

$(ENVIRONMENT): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is required, but not on the PATH."; exit 1; }
	@echo "creating .venv with $(PYTHON)"
	@$(PYTHON) -m venv .venv
	@# uv itself is installed from the same lock, with hashes
	@awk '/^[a-z0-9]/ { wanted = /^uv==/ } wanted' requirements.lock > .venv/uv.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement .venv/uv.txt
	@$(UV) pip sync --python $(BIN)/python --compile-bytecode --require-hashes requirements.lock
	@touch $@
