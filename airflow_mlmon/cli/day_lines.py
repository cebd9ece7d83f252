"""Output of `mlmon run --json` and `mlmon backfill --json`: one object per day, one line each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Self

from airflow_mlmon.alerts.message import alert_content
from airflow_mlmon.cli.stream import print_json
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.deciding.staleness import stale_days
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import Alert, Family, Verdict, VerdictState

if TYPE_CHECKING:
    from airflow_mlmon.pipeline.nightly import Ran

_MEASURED = ("metric", "column", "segment", "value", "low", "high", "constant", "rows", "reason")


class DayLines:
    """Printer of one line for each day, in order, as soon as its labels have been received, or at the end.

    The labels of a day are received on later days, and its line waits for them.
    """

    def __init__(self, run: Run) -> None:
        """Start without days."""
        labels = run.spec.labels
        self._run = run
        self._wait = timedelta(days=labels.delay_days if labels else 0)
        self._waiting: dict[date, dict[str, Any]] = {}

    def __enter__(self) -> Self:
        """Return the lines."""
        return self

    def __exit__(self, *_: object) -> None:
        """Print the remaining lines, also if a day could not be run."""
        self._print_until(date.max)

    def add(self, ran: Ran) -> None:
        """Add a day that has run, and print the lines that wait for nothing."""
        content = day_content(self._run, ran.partition, ran.days)
        if content is not None:
            self._waiting[ran.partition.day] = content
        for day in ran.days:
            if day != ran.partition and day.day in self._waiting:
                _add_labels(self._run, day, self._waiting[day.day])
        self._print_until(ran.partition.day - self._wait)

    def _print_until(self, last: date) -> None:
        for day in sorted(self._waiting):
            if day <= last:
                print_json(self._waiting.pop(day))


def day_content(run: Run, partition: Partition, days: Iterable[Partition] = ()) -> dict[str, Any] | None:
    """Convert what is stored of a day to JSON; None if it was never run.

    Args:
        run: the model.
        partition: the day.
        days: the days whose results were replaced with it.
    """
    state = run.store.state(partition)
    if state is None:
        return None
    return {
        "partition": partition.key,
        "status": state.status,
        "rows": state.rows_accepted if state.is_counted else None,
        "rows_read": state.rows_read if state.is_counted else None,
        "rows_quarantined": state.rows_quarantined if state.is_counted else None,
        "version": state.version,
        "stale": [str(day) for day in stale_days(run, partition.day, partition.day).get(partition.day, ())],
        "message": state.message,
        "causes": [asdict(cause) for cause in state.causes],
        **_measured(run, partition),
        "alerts": [_alert(alert) for alert in _alerts(run, partition)],
        "replaced": [day.key for day in days],
    }


def _measured(run: Run, partition: Partition) -> dict[str, Any]:
    return {
        "metrics": [{name: getattr(value, name) for name in _MEASURED} for value in run.store.metric_values(partition)],
        "verdicts": [_verdict(verdict) for verdict in run.store.verdicts(partition)],
    }


def _add_labels(run: Run, partition: Partition, content: dict[str, Any]) -> None:
    """Add the results of the labels received; alerts on the rows keep their state of the day."""
    alerts = _alerts(run, partition)
    of_rows = {alert.fingerprint for alert in alerts if alert.family is Family.PREDICTIONS}
    content |= _measured(run, partition)
    content["alerts"] = [
        *(alert for alert in content["alerts"] if alert["fingerprint"] in of_rows),
        *(_alert(alert) for alert in alerts if alert.family is Family.LABELS),
    ]


def _alerts(run: Run, partition: Partition) -> list[Alert]:
    return run.store.alerts(run.model, partition.day, partition.day)


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "metric": verdict.metric,
        "column": verdict.column,
        "segment": verdict.segment,
        "value": verdict.value,
        "low": verdict.low,
        "high": verdict.high,
        "deviations": verdict.deviations,
        "p_value": verdict.p_value,
        "effect": verdict.effect,
        "history": verdict.history,
        "state": verdict.state,
        "breached": verdict.state is VerdictState.BREACH,
        "rule": verdict.rule,
        "note": verdict.note,
    }


def _alert(alert: Alert) -> dict[str, Any]:
    return {
        "fingerprint": alert.fingerprint,
        "state": alert.lifecycle.state if alert.lifecycle else None,
        "since": alert.lifecycle.since.isoformat() if alert.lifecycle else None,
        "days": alert.lifecycle.days if alert.lifecycle else None,
        **alert_content(alert),
    }
