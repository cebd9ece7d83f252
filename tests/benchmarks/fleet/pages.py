"""Pages that people look at: of all models, and of one."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from datetime import time as time_of_day
from typing import Any

import numpy as np

from airflow_mlmon.pipeline.pages.fleet import fleet_page, read_fleet
from airflow_mlmon.pipeline.pages.fleet_gauges import fleet_gauges
from airflow_mlmon.pipeline.pages.model import model_page
from airflow_mlmon.reports.exposition import exposition
from airflow_mlmon.reports.fleet import render_fleet
from airflow_mlmon.reports.model import render_model
from airflow_mlmon.store.metric_store import MetricStore
from tests.benchmarks.fleet.stores import TEMPLATE, FleetStore
from tests.benchmarks.fleet.template import RAN_DAYS, day_at, open_model
from tests.benchmarks.fleet.timing import plan_of, timed
from tests.benchmarks.measured import Measured

_TIMES = 20
# the morning after the last day
NOW = datetime.combine(day_at(RAN_DAYS), time_of_day(8), UTC)


def fleet(stores: Mapping[str, FleetStore]) -> Measured:
    """Measure the first page of all models."""
    return _measured(stores, lambda store: lambda: render_fleet(fleet_page(store, read_fleet(store, NOW))))


def metrics(stores: Mapping[str, FleetStore]) -> Measured:
    """Measure the gauges of all models, as Prometheus scrapes them."""
    return _measured(stores, lambda store: lambda: exposition(fleet_gauges(store, read_fleet(store, NOW))))


def model(stores: Mapping[str, FleetStore]) -> Measured:
    """Measure the page of one model."""

    def page(store: MetricStore) -> Callable[[], str]:
        run = open_model(TEMPLATE, store, TEMPLATE / "workspace")
        return lambda: render_model(model_page(run, now=NOW))

    return _measured(stores, page)


def _measured(stores: Mapping[str, FleetStore], page_of: Callable[[MetricStore], Callable[[], str]]) -> Measured:
    figures, details = {}, {}
    for database, found in stores.items():
        with MetricStore(found.fleet) as store:
            page = page_of(store)
            text = page()
            worked = time.process_time()
            taken = [_milliseconds(page) for _ in range(_TIMES)]
            cpu = 1000 * (time.process_time() - worked) / _TIMES
            with timed(store) as times:
                page()
            figures[database] = float(np.percentile(taken, 95))
            details[database] = {
                "p95_ms": figures[database],
                "median_ms": float(np.median(taken)),
                "cpu_ms": cpu,
                "kib": len(text) / 1024,
                "store_ms": 1000 * times.seconds,
                "slowest": slowest(store, times),
            }
    note = ", ".join(
        f"{name} {found['p95_ms']:.0f} (median {found['median_ms']:.0f}, CPU {found['cpu_ms']:.0f})"
        for name, found in details.items()
    )
    return Measured(figure=max(figures.values()), note=note, details=details)


def slowest(store: MetricStore, times: Any, number: int = 4) -> list[dict[str, Any]]:
    """The slowest queries with their plans."""
    return [
        {"ms": round(1000 * seconds, 1), "query": " ".join(text.split()), "plan": plan_of(store, text, values)}
        for seconds, text, values in times.slowest[:number]
        if text.lstrip().startswith("SELECT")
    ]


def _milliseconds(page: Callable[[], str]) -> float:
    begun = time.perf_counter()
    page()
    return 1000 * (time.perf_counter() - begun)
