"""Labels of large days: what a delivery costs that has labels of each of the seven days before it."""

from __future__ import annotations

import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.loading import parse_spec
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.deliveries import take_delivery
from airflow_mlmon.pipeline.steps.performance import measure_labels, measure_performance
from airflow_mlmon.pipeline.steps.prepare import prepare_partition
from airflow_mlmon.pipeline.steps.profile import to_state
from airflow_mlmon.pipeline.steps.touched import find_touched_days, served_before
from airflow_mlmon.pipeline.workspace.outcomes import Measured as Outcomes
from airflow_mlmon.pipeline.workspace.reference import ensure_reference
from airflow_mlmon.storage import Storage
from airflow_mlmon.store.metric_store import MetricStore
from tests.benchmarks.day.data import START, rows, spec_text, write_reference
from tests.benchmarks.measured import Measured

_DAYS = 7
_LAST = START + timedelta(days=_DAYS)
_REFERENCE_ROWS = 5_000


def labels_1m() -> Measured:
    """Measure the seconds in which a delivery of 1,000,000 labels of seven days of 1,000,000 rows has its results."""
    return _measure(1_000_000)


def _measure(count: int) -> Measured:
    with tempfile.TemporaryDirectory(prefix="mlmon-bench-") as name:
        folder = Path(name)
        _write_archive(folder / "archive", count)
        with MetricStore(f"sqlite:///{folder / 'store.db'}") as store:
            spec = parse_spec(spec_text(folder / "archive", delay=_DAYS), "large.yaml")
            run = Run(spec=spec, store=store, storage=Storage(), workspace=str(folder / "workspace"))
            ensure_reference(run)
            for number in range(_DAYS):
                _run_day(run, run.partition(START + timedelta(days=number)))
            cpu, wall = time.process_time(), time.perf_counter()
            outcomes = _deliver(run, run.partition(_LAST))
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    if len(outcomes) != _DAYS:
        raise RuntimeError(f"{len(outcomes)} days have new labels, not {_DAYS}")
    return Measured(figure=wall, note=f"{cpu:.2f} CPU s", details={"cpu_s": cpu})


def _write_archive(root: Path, count: int) -> None:
    """Write seven days and their reference; a row in seven has its label a day later, another two days later …"""
    write_reference(root, _REFERENCE_ROWS)
    deliveries: dict[date, list[pa.Table]] = {}
    for number in range(_DAYS):
        day = START + timedelta(days=number)
        table = rows(day, 0, count)
        folder = root / "predictions" / f"dt={day}"
        folder.mkdir(parents=True)
        pq.write_table(table.drop_columns(["label"]), folder / "part.parquet")
        labels = table.select(["id", "label"])
        for late in range(_DAYS):
            own = labels.take(pa.array(np.arange(late, count, _DAYS)))
            deliveries.setdefault(day + timedelta(days=1 + late), []).append(own)
    for day, labels in deliveries.items():
        folder = root / "labels" / f"dt={day}"
        folder.mkdir(parents=True)
        pq.write_table(pa.concat_tables(labels), folder / "part.parquet")


def _run_day(run: Run, partition: Partition) -> None:
    """Take in the rows and labels of a day, and publish the day without an evaluation."""
    prepared = prepare_partition(run, partition)
    measured = measure_performance(run, prepared)
    state = to_state(prepared, schema="", evaluated=False)
    deliveries = {run.partition(one.day): frozenset(one.deliveries) for one in measured}
    run.store.publish(state, [], supersedes=prepared.supersedes, versions=prepared.rests_on, deliveries=deliveries)


def _deliver(run: Run, partition: Partition) -> list[Outcomes]:
    """Receive the labels of a day, and measure the performance of the days before it that they belong to."""
    take_delivery(run, partition)
    days = served_before(run, partition)
    touched = find_touched_days(run, days)
    return [found for day in touched if (found := measure_labels(run, day, days[day]))]
