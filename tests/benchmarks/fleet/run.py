"""Measures a fleet of 500 models with a year of days each against the goals: `make bench-fleet`.

With ARGS="--only fleet_page_ms" some of them. The stores are made once, in build/fleet: SQLite and PostgreSQL, each
with 365 days of 500 models, of 68 metrics, 45 verdicts and 11 checks a day, and alerts that came, went and hold. Of
two databases the figure is the slower one. `--models 20` makes and measures smaller ones.

    fleet_page_ms        ms; 95th percentile of the first page of all models: read and rendered (`pages`)
    model_page_ms        ms; the same of the page of one model
    metrics_ms           ms; the same of the gauges of all models that Prometheus scrapes
    night_store_ms       ms in all functions of the store of one more night of a model, run for real, with its pages:
                         the median of five (`night`)
    night_store_growth   the same over that on a store that holds only what such a night looks back on: the last days
                         of this one model; CPU seconds on SQLite, where the store is in the process
    dag_parse_500_s      CPU seconds of a new process for the DAGs of 500 specs of 20 columns with
                         `dag: {single_task: true}`, beyond `import airflow.sdk` (`in_airflow`)
    night_tasks_one_s    CPU seconds of Airflow's worker and task for a night of 1,000 rows in one task, by a real
                         scheduler that has imported nothing of it
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext

from tests.benchmarks.fleet import in_airflow, night, pages
from tests.benchmarks.fleet.stores import FleetStore, fleet_stores
from tests.benchmarks.measured import Measured
from tests.benchmarks.report import Report

MODELS = 500
GOALS = {
    "fleet_page_ms": "<= 300",
    "model_page_ms": "<= 300",
    "metrics_ms": "<= 200",
    "night_store_ms": "<= 150",
    "night_store_growth": "<= 1.3",
    "dag_parse_500_s": "<= 1",
    "night_tasks_one_s": "<= 2",
}
_MEASURES: Mapping[str, Callable[[Mapping[str, FleetStore]], Measured]] = {
    "fleet_page_ms": pages.fleet,
    "model_page_ms": pages.model,
    "metrics_ms": pages.metrics,
    "night_store_ms": night.milliseconds,
    "night_store_growth": night.growth,
}
_WITHOUT_STORES: Mapping[str, Callable[[], Measured]] = {
    "dag_parse_500_s": in_airflow.parse_dags,
    "night_tasks_one_s": in_airflow.run_night,
}


def main() -> None:
    """Measure all figures, or those that `--only` names, and report them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", choices=sorted(GOALS), help="a key to measure; may be repeated")
    parser.add_argument("--models", type=int, default=MODELS, help="number of models")
    asked = parser.parse_args()
    report = Report(name="fleet", goals=GOALS)
    keys = asked.only or list(GOALS)
    of_stores = [key for key in keys if key in _MEASURES]
    with fleet_stores(asked.models) if of_stores else nullcontext({}) as stores:
        for key in keys:
            sys.stderr.write(f"{key} …\n")
            found = _MEASURES[key](stores) if key in _MEASURES else _WITHOUT_STORES[key]()
            report.figures[key], report.notes[key], report.details[key] = found.figure, found.note, found.details
    report.write()


if __name__ == "__main__":
    main()
