"""State of a model as Prometheus gauges."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from airflow_mlmon.pipeline.pages.fleet import read_fleet
from airflow_mlmon.pipeline.pages.fleet_gauges import fleet_gauges
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.reports.exposition import Gauge
from airflow_mlmon.spec.metrics import LABEL_COVERAGE
from airflow_mlmon.tasks.registry import METRICS


def model_gauges(run: Run, now: datetime) -> list[Gauge]:
    """Return the gauges of a model: those that all models have, and its metrics; an unknown value has none.

    Metrics of the predictions are those of the last evaluated day. Metrics that need labels are those of the last day
    with enough of them.

    Args:
        run: the run.
        now: time against which the model is late.
    """
    fleet = read_fleet(run.store, now, models={run.model})
    if not fleet.rows:
        return []
    of_all = fleet_gauges(run.store, fleet)
    names = {gauge.name for gauge in of_all}
    return [*of_all, *(gauge for gauge in _metrics(run) if gauge.name not in names)]


def _metrics(run: Run) -> Iterator[Gauge]:
    evaluated = run.store.last_evaluated_day(run.model)
    if evaluated is None:
        return
    values = run.store.metrics(run.model, evaluated, evaluated)
    labelled = _last_labelled(run, evaluated)
    if labelled is not None:
        words = "Start of the last partition with enough labels."
        start = run.partition(labelled).start.timestamp()
        yield _of_model(run, "labelled_partition_timestamp_seconds", words, start)
        values |= run.store.metrics(run.model, labelled, labelled)
    for name in (*METRICS, *run.spec.own_metrics):
        metric = METRICS[name]
        day = labelled if metric.needs_labels and run.spec.labels else evaluated
        value = None if day is None else values.get((day, name, None))
        if value is not None:
            yield _of_model(run, name, metric.description, value)


def _last_labelled(run: Run, evaluated: date) -> date | None:
    if run.spec.labels is None:
        return None
    first = evaluated - timedelta(days=run.spec.history.days + run.spec.labels.delay_days)
    shares = run.store.metric_details(run.model, LABEL_COVERAGE, first, evaluated)
    enough = [day for day, share in shares if share.value is not None and share.value >= run.spec.labels.min_coverage]
    return max(enough, default=None)


def _of_model(run: Run, name: str, words: str, value: float) -> Gauge:
    return Gauge(name=f"mlmon_{name.replace('.', '_')}", help=words, samples=(({"model": run.model}, value),))
