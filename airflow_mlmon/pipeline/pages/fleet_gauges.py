"""State of all models as Prometheus gauges, from the store alone.

A model has about forty series, whatever its columns and segments are: the values of these are in the store.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date

from airflow_mlmon.fleet import RegisteredModel
from airflow_mlmon.garbage import uncollected
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.pages.fleet import Fleet, read_coverages, read_headlines
from airflow_mlmon.records import MetricValue, VerdictState
from airflow_mlmon.reports.exposition import Gauge
from airflow_mlmon.reports.fleet import FleetRow, ModelStatus
from airflow_mlmon.spec.choices import CRITICAL, WARNING
from airflow_mlmon.spec.metrics import DRIFTED_COLUMNS, LABEL_COVERAGE, QUARANTINED_SHARE, ROWS
from airflow_mlmon.store.across_models import DatedValue
from airflow_mlmon.store.metric_store import MetricStore
from airflow_mlmon.store.step_store import StepRun
from airflow_mlmon.tasks.registry import METRICS

# of the last evaluated day, by all rows and columns together
_OF_DAY = (ROWS, QUARANTINED_SHARE, DRIFTED_COLUMNS)

_Samples = tuple[tuple[Mapping[str, str], float], ...]


# or a third of the time were that of a collection, of thousands of samples that are all in use
@uncollected()
def fleet_gauges(store: MetricStore, fleet: Fleet) -> list[Gauge]:
    """Return the gauges of all models of a fleet; an unknown value has none."""
    rows = fleet.rows
    days = {row.model: row.evaluated.partition.day for row in rows if row.evaluated is not None}
    values = store.values_on(days, _OF_DAY)
    return [
        Gauge(name="mlmon_model_info", help="Model with its task, owner and team; always 1.", samples=_facts(rows)),
        Gauge(
            name="mlmon_model_status",
            help="Status of the model: 1 for the current status, 0 for the others.",
            samples=tuple(
                ({"model": row.model, "status": status.value}, float(status is row.status))
                for row in rows
                for status in ModelStatus
            ),
        ),
        _of_rows(
            rows,
            "expected_partition_timestamp_seconds",
            "Start of the last partition that should be evaluated by now.",
            lambda row: None if row.status is ModelStatus.INACTIVE else _start(row.registered, row.expected),
        ),
        _of_rows(
            rows,
            "evaluated_partition_timestamp_seconds",
            "Start of the last evaluated partition.",
            lambda row: None if row.evaluated is None else _start(row.registered, row.evaluated.partition.day),
        ),
        Gauge(
            name="mlmon_alerts_open",
            help="Alerts that are open and not muted, by severity.",
            samples=tuple(
                ({"model": row.model, "severity": severity}, float(number))
                for row in rows
                for severity, number in (
                    (CRITICAL, row.alerts.critical),
                    (WARNING, row.alerts.open - row.alerts.critical),
                )
            ),
        ),
        _undelivered(store, rows),
        *(_of_day(name, values) for name in _OF_DAY),
        *_performance(store, rows, days),
        *_steps(store, rows),
    ]


def _facts(rows: Iterable[FleetRow]) -> _Samples:
    found = (row.registered for row in rows)
    return tuple(({"model": one.model, "task": one.task, "owner": one.owner, "team": one.team}, 1.0) for one in found)


def _of_rows(rows: Iterable[FleetRow], name: str, words: str, value: Callable[[FleetRow], float | None]) -> Gauge:
    found = ((row.model, value(row)) for row in rows)
    samples = tuple(({"model": model}, number) for model, number in found if number is not None)
    return Gauge(name=f"mlmon_{name}", help=words, samples=samples)


def _of_day(name: str, values: Mapping[str, Mapping[str, MetricValue]]) -> Gauge:
    found = ((model, of_model[name].value) for model, of_model in values.items() if name in of_model)
    samples = tuple(({"model": model}, value) for model, value in found if value is not None)
    return Gauge(name=f"mlmon_{name}", help=METRICS[name].description, samples=samples)


def _undelivered(store: MetricStore, rows: Iterable[FleetRow]) -> Gauge:
    numbers: dict[tuple[str, str, str], int] = defaultdict(int)
    for found in store.undelivered([row.model for row in rows]):
        numbers[found.model, found.channel, "dead" if found.is_given_up else "waiting"] += found.messages
    samples = tuple(
        ({"model": model, "channel": channel, "state": state}, float(number))
        for (model, channel, state), number in numbers.items()
    )
    words = "Messages that were not delivered: waiting for another attempt, or dead."
    return Gauge(name="mlmon_messages_undelivered", help=words, samples=samples)


def _performance(store: MetricStore, rows: tuple[FleetRow, ...], days: Mapping[str, date]) -> list[Gauge]:
    """Return the metric that says most about each model, whether it is a breach, and the label coverage of its day."""
    headlines = read_headlines(store, rows, days)
    breaches = _breached(store, headlines)
    coverages = read_coverages(store, headlines)
    values = {model: (found.measured.metric, found.measured.value) for model, found in headlines.items()}
    return [
        Gauge(
            name="mlmon_performance",
            help="Last value of the metric that says most about a model of its task.",
            samples=tuple(
                ({"model": model, "metric": metric}, value)
                for model, (metric, value) in values.items()
                if value is not None
            ),
        ),
        Gauge(
            name="mlmon_performance_breach",
            help="Whether this value is not what the days before let expect: 1 or 0; nothing without a verdict.",
            samples=tuple(
                ({"model": model, "metric": headlines[model].measured.metric}, float(is_breach))
                for model, is_breach in breaches.items()
            ),
        ),
        _of_day(LABEL_COVERAGE, {model: {LABEL_COVERAGE: found} for model, found in coverages.items()}),
    ]


def _breached(store: MetricStore, headlines: Mapping[str, DatedValue]) -> dict[str, bool]:
    by_metric: dict[str, dict[str, date]] = defaultdict(dict)
    for model, found in headlines.items():
        by_metric[found.measured.metric][model] = found.day
    return {
        model: verdict.state is VerdictState.BREACH
        for metric, days in by_metric.items()
        for model, verdict in store.verdicts_on(days, metric).items()
        if verdict.state is not VerdictState.INSUFFICIENT_DATA
    }


def _steps(store: MetricStore, rows: Iterable[FleetRow]) -> list[Gauge]:
    """Return how the steps of the last day of each model ran."""
    runs = store.last_step_runs({row.model: row.last.partition.day for row in rows if row.last is not None})

    def of_steps(name: str, words: str, value: Callable[[StepRun], float | None]) -> Gauge:
        found = ((model, one.step, value(one)) for model, of_model in runs.items() for one in of_model)
        samples = tuple(({"model": model, "step": step}, number) for model, step, number in found if number is not None)
        return Gauge(name=f"mlmon_step_{name}", help=words, samples=samples)

    return [
        of_steps(
            "started_timestamp_seconds", "When the step of the last day began.", lambda one: one.started_at.timestamp()
        ),
        of_steps("duration_seconds", "How long the step of the last day took.", lambda one: one.seconds),
        of_steps("failed", "Whether the step of the last day failed: 1 or 0.", lambda one: float(bool(one.error))),
        of_steps("rows", "Rows that the step of the last day was about.", lambda one: one.rows),
    ]


def _start(found: RegisteredModel, day: date) -> float:
    return Partition.of_day(found.model, day, zone=found.zone).start.timestamp()
