"""What a night has confirmed of a model: that it drifted, or that it predicts worse than it did.

Data that is missing, late or broken is neither: it is told of, and nobody should train on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from airflow_mlmon.alerts.message import alert_content
from airflow_mlmon.lifecycle.course import worst
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import Alert, AlertState
from airflow_mlmon.spec.metrics import DRIFT, GENERIC
from airflow_mlmon.tasks.registry import METRICS

_OF_DRIFT = frozenset({DRIFT, "drifted_columns", "drifted_share", "multivariate_drift"})

_NEWS = frozenset({AlertState.OPEN, AlertState.REOPENED})


class Change(StrEnum):
    """What has changed."""

    DRIFT = "drift"
    PERFORMANCE = "performance"


def confirmed_change(run: Run, partition: Partition, days: Iterable[Partition]) -> dict[str, Any] | None:
    """The verdict on the model, as JSON, when the run of a night opened alerts of drift or performance.

    A night of the past that is run again says nothing of the model as it is now.

    Args:
        run: the model.
        partition: the night.
        days: those whose results the run replaced: labels come for days before.
    """
    if run.is_quiet or run.store.last_judged_day(run.model) != partition.day:
        return None
    alerts = [alert for day in dict.fromkeys([partition, *days]) for alert in _opened_on(run, day)]
    if not alerts:
        return None
    return {
        "model": run.model,
        "partition": partition.key,
        "changes": sorted({change for alert in alerts if (change := change_of(alert.metric))}),
        "severity": worst(alert.severity for alert in alerts),
        "report": run.page_url(partition),
        "alerts": [_as_json(alert) for alert in alerts],
    }


def _opened_on(run: Run, day: Partition) -> list[Alert]:
    """The alerts of drift and performance that opened on a night, and that nobody has taken on or muted since."""
    opened = {
        alert.fingerprint
        for alert in run.store.tracked_alerts(run.model)
        if alert.opened == day.day and alert.state in _NEWS and change_of(alert.metric) is not None
    }
    return [alert for alert in run.store.alerts(run.model, day.day, day.day) if alert.fingerprint in opened]


def change_of(metric: str) -> Change | None:
    """What an alert on a metric says of the model; None where it is about the data.

    >>> change_of("accuracy"), change_of("rows")
    (<Change.PERFORMANCE: 'performance'>, None)
    """
    if metric not in METRICS or (metric in GENERIC and metric not in _OF_DRIFT):
        return None
    # what a kind of model measures is performance, or else what its outputs and labels are like
    return Change.PERFORMANCE if METRICS[metric].is_performance else Change.DRIFT


def _as_json(alert: Alert) -> dict[str, Any]:
    return {
        "change": change_of(alert.metric),
        "fingerprint": alert.fingerprint,
        "partition": alert.partition.key,
        "since": alert.standing.since.isoformat() if alert.standing else None,
        **alert_content(alert),
    }
