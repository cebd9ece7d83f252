"""Models whose days are curated already, as the step of Druid finds them: 20 columns, labels, and metrics."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from airflow_mlmon.archive.labels import to_delivery
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.curated import curated_uri
from airflow_mlmon.pipeline.workspace.partition_files import delivery_uri, to_parquet
from airflow_mlmon.records import Delivery, Family
from airflow_mlmon.storage import Storage
from airflow_mlmon.store.metric_store import MetricStore
from tests.benchmarks.day.in_airflow import day_table, spec_text
from tests.support.published import metric, partition_state, results

_METRICS = 200


@contextmanager
def opened(folder: Path, model: str) -> Iterator[Run]:
    """The run of a model whose store and workspace lie in `folder`."""
    text = spec_text(folder / "archive").replace("model: large", f"model: {model}")
    with MetricStore(f"sqlite:///{folder / model}.db") as store:
        yield Run(
            spec=parse_spec(text, f"{model}.yaml"),
            store=store,
            storage=Storage(),
            workspace=str(folder / "workspace"),
        )


def days_of(run: Run, first: int, count: int) -> list[Partition]:
    """So many days of the model, from its `first` one on, which is 0."""
    start = Partition.of_day(run.model, run.spec.start)
    return [start.shift(at) for at in range(first, first + count)]


def write_days(folder: Path, model: str, days: int, rows: int) -> None:
    """Curate the days, take in their labels, and publish their days."""
    with opened(folder, model) as run:
        for day in days_of(run, 0, days):
            _write_day(run, day, rows)


def _write_day(run: Run, day: Partition, rows: int) -> None:
    table = day_table(day.day, rows)
    run.files.write(curated_uri(run, day, "v1"), to_parquet(table.drop_columns(["label"])))
    # the labels are those of the day before the day they came on
    labels = delivery_uri(run, day.shift(1), "v1")
    run.files.write(labels, to_parquet(to_delivery(table, run.spec, run.spec.labels).rows))
    run.store.save_delivery(Delivery(partition=day.shift(1), version="v1", uri=labels, rows=rows))
    metrics = tuple(metric(f"metric_{number}", value=number / 7) for number in range(_METRICS))
    published = partition_state(day, version="v1", rows_read=rows, rows_accepted=rows, rows_quarantined=0)
    run.store.publish(published, [results(day, Family.PREDICTIONS, metrics=metrics)], supersedes=None)
