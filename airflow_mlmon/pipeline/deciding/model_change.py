"""Detection of confirmed changes of a model: drift, or a loss of performance.

Missing, late or broken data is neither: it alerts, but the model should not be retrained on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from airflow_mlmon.alerts.message import alert_content
from airflow_mlmon.lifecycle.states import worst
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import Alert, AlertState
from airflow_mlmon.spec.metrics import DRIFT, GENERIC
from airflow_mlmon.tasks.registry import METRICS

_OF_DRIFT = frozenset({DRIFT, "drifted_columns", "drifted_share", "multivariate_drift"})

_NEWS = frozenset({AlertState.OPEN, AlertState.REOPENED})


class Change(StrEnum):
    """Kind of change."""

    DRIFT = "drift"
    PERFORMANCE = "performance"


def confirmed_change(run: Run, partition: Partition, days: Iterable[Partition]) -> dict[str, Any] | None:
    """Return the confirmed change of a model as JSON, if the run of a day opened alerts of drift or performance.

    A rerun of a past day confirms no change of the current model.

    Args:
        run: the model.
        partition: the day.
        days: the days whose results the run replaced, because labels arrive for earlier days.
    """
    if run.is_silent or run.store.last_evaluated_day(run.model) != partition.day:
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
    """Return the alerts of drift and performance that opened on a day and are not acknowledged or muted since."""
    opened = {
        alert.fingerprint
        for alert in run.store.tracked_alerts(run.model)
        if alert.opened == day.day and alert.state in _NEWS and change_of(alert.metric) is not None
    }
    return [alert for alert in run.store.alerts(run.model, day.day, day.day) if alert.fingerprint in opened]


def change_of(metric: str) -> Change | None:
    """Return the kind of change that an alert on a metric means; None if it concerns the data.

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
        "since": alert.lifecycle.since.isoformat() if alert.lifecycle else None,
        **alert_content(alert),
    }
