"""One more night of a model: what it reads and writes in the store, among a year of a fleet and by itself."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.records import Status
from airflow_mlmon.store.metric_store import MetricStore
from tests.benchmarks.fleet.pages import slowest
from tests.benchmarks.fleet.stores import TEMPLATE, FleetStore
from tests.benchmarks.fleet.template import MORE_DAYS, RAN_DAYS, day_at, open_model
from tests.benchmarks.fleet.timing import StoreTimes, timed
from tests.benchmarks.measured import Measured


def milliseconds(stores: Mapping[str, FleetStore]) -> Measured:
    """Measure the milliseconds of a night in the store of a fleet."""
    details = {}
    for database, found in stores.items():
        found.restore()
        [(store, nights)] = _nights(found.fleet)
        details[database] = _described(store, nights)
        found.restore()
    note = ", ".join(
        f"{database} {found['ms']:.0f} (CPU {found['cpu_ms']:.0f}, {found['statements']} statements)"
        for database, found in details.items()
    )
    return Measured(figure=max(found["ms"] for found in details.values()), note=note, details=details)


def growth(stores: Mapping[str, FleetStore]) -> Measured:
    """Measure a night in the store of a fleet over one in a store that holds nothing else."""
    details = {}
    for database, found in stores.items():
        found.restore()
        (_, fleet), (_, alone) = _nights(found.fleet, found.alone)
        found.restore()
        # the server's part is no CPU time of this process
        clock = "cpu" if database == "SQLite" else "seconds"
        taken = [1000 * median(getattr(night, clock) for night in nights) for nights in (fleet, alone)]
        details[database] = {"ratio": taken[0] / taken[1], "fleet_ms": taken[0], "alone_ms": taken[1]}
    note = ", ".join(
        f"{database} {found['fleet_ms']:.0f} over {found['alone_ms']:.0f} ms" for database, found in details.items()
    )
    return Measured(figure=max(found["ratio"] for found in details.values()), note=note, details=details)


def _nights(*urls: str) -> list[tuple[MetricStore, list[StoreTimes]]]:
    """Run the next nights in each of some stores, in turns; the first one only warms up."""
    found: list[tuple[MetricStore, list[StoreTimes]]] = [(MetricStore(url), []) for url in urls]
    with TemporaryDirectory(prefix="mlmon-bench-") as folder:
        runs = []
        for number, (store, _) in enumerate(found):
            workspace = Path(folder) / str(number)
            shutil.copytree(TEMPLATE / "workspace", workspace)
            runs.append(open_model(TEMPLATE, store, workspace))
        for number in range(MORE_DAYS):
            for run, (store, nights) in zip(runs, found, strict=True):
                partition = run.partition(day_at(RAN_DAYS + number))
                with timed(store) as times:
                    run_partition(run, partition)
                state = store.state(partition)
                assert state is not None
                assert state.status is Status.OK, state.message
                if number:
                    nights.append(times)
    return found


def _described(store: MetricStore, nights: list[StoreTimes]) -> dict[str, Any]:
    middle = sorted(nights, key=lambda night: night.seconds)[len(nights) // 2]
    return {
        "ms": 1000 * middle.seconds,
        "all_ms": [1000 * night.seconds for night in nights],
        "cpu_ms": 1000 * middle.cpu,
        "statements": len(middle.statements),
        "calls": sum(middle.calls.values()),
        "by_function_ms": {name: round(1000 * spent, 1) for name, spent in middle.spent.most_common(12)},
        "slowest": slowest(store, middle),
    }
