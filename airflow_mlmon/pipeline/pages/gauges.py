"""State of a model as Prometheus gauges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import AlertState, Status
from airflow_mlmon.reports.exposition import Gauge
from airflow_mlmon.spec.choices import CRITICAL, WARNING
from airflow_mlmon.spec.metrics import LABEL_COVERAGE
from airflow_mlmon.tasks.registry import METRICS

_SILENT = frozenset({AlertState.RESOLVED, AlertState.MUTED})


def model_gauges(run: Run) -> list[Gauge]:
    """Return the gauges of a model; an unknown value has none.

    Metrics of the predictions are those of the last evaluated day. Metrics that need labels are those of the last day
    with enough of them.
    """
    states = run.store.states(run.model, date.min, date.max)
    evaluated = run.store.last_evaluated_day(run.model)
    if not states or evaluated is None:
        return [_status(run, states[-1].status)] if states else []
    tracked = run.store.tracked_alerts(run.model)
    severities = Counter(alert.severity for alert in tracked if alert.state not in _SILENT)
    return [
        _status(run, states[-1].status),
        _of_model(
            run,
            "evaluated_partition_timestamp_seconds",
            "Start of the last evaluated partition.",
            _start(run, evaluated),
        ),
        Gauge(
            name="mlmon_alerts_open",
            help="Alerts that are open and not muted, by severity.",
            samples=tuple(
                ({"model": run.model, "severity": severity}, float(severities[severity]))
                for severity in (CRITICAL, WARNING)
            ),
        ),
        *_metrics(run, evaluated),
    ]


def _status(run: Run, now: Status) -> Gauge:
    samples = tuple(({"model": run.model, "status": status.value}, float(status is now)) for status in Status)
    return Gauge(
        name="mlmon_status", help="Status of the last day: 1 for the current status, 0 for the others.", samples=samples
    )


def _metrics(run: Run, evaluated: date) -> Iterator[Gauge]:
    values = run.store.metrics(run.model, evaluated, evaluated)
    labelled = _last_labelled(run, evaluated)
    if labelled is not None:
        words = "Start of the last partition with enough labels."
        yield _of_model(run, "labelled_partition_timestamp_seconds", words, _start(run, labelled))
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


def _start(run: Run, day: date) -> float:
    return run.partition(day).start.timestamp()
