"""Builders of what is said of a day, for tests of the store and of alerts."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

from airflow_mlmon.baselines import BaselineFacts, BaselinePin
from airflow_mlmon.partition import Partition
from airflow_mlmon.records import (
    Alert,
    Arrival,
    CheckOutcome,
    Family,
    MetricValue,
    PartitionState,
    Results,
    Status,
    Verdict,
    VerdictState,
)
from airflow_mlmon.spec.baseline import Baseline, BaselineKind
from airflow_mlmon.spec.choices import Severity
from airflow_mlmon.store import schema
from airflow_mlmon.store.metric_store import MetricStore

DAY = date(2013, 3, 8)
NOW = datetime(2013, 3, 9, 1, tzinfo=UTC)
CHANNELS = ("log", "webhook:ops")


def partition(day: int = 8, model: str = "flights") -> Partition:
    """The partition of a day in March 2013."""
    return Partition.of_day(model, date(2013, 3, day))


def partition_state(of: Partition | None = None, **changes: Any) -> PartitionState:
    """A day as it is published."""
    facts: dict[str, Any] = {
        "partition": of or partition(),
        "status": Status.OK,
        "version": "v1",
        "schema": "abc123",
        "rows_read": 900,
        "rows_accepted": 890,
        "rows_quarantined": 10,
    }
    return PartitionState(**(facts | changes))


def arrival(**changes: Any) -> Arrival:
    """A partition that came whole and in time, with labels."""
    facts: dict[str, Any] = {
        "status": Status.OK,
        "message": "",
        "files": 2,
        "labels_delivered": 30,
        "delay_hours": 1.5,
        "delay_reason": "",
    }
    return Arrival(**(facts | changes))


def baseline(**changes: Any) -> BaselineFacts:
    """A baseline of two days, by a pin."""
    facts: dict[str, Any] = {
        "title": "the trailing 3 days",
        "kind": BaselineKind.TRAILING,
        "columns": ("distance", "wind_speed"),
        "asked": 3,
        "needed": 2,
        "days": {date(2013, 3, 6): "a", date(2013, 3, 7): "b"},
        "other_schema": 1,
        "pin": 4,
    }
    return BaselineFacts(**(facts | changes))


def metric(
    name: str = "score_mean", value: float | None = 0.39, column: str | None = None, **changes: Any
) -> MetricValue:
    """One value."""
    return MetricValue(**({"metric": name, "column": column, "value": value, "rows": 890} | changes))


def verdict(name: str = "score_mean", **changes: Any) -> Verdict:
    """A breach by history."""
    facts: dict[str, Any] = {
        "metric": name,
        "column": None,
        "value": 0.39,
        "state": VerdictState.BREACH,
        "low": 0.15,
        "high": 0.27,
        "rule": "within 5 robust standard deviations of the median of 28 days",
        "history": 28,
        "deviations": 9.5,
    }
    return Verdict(**(facts | changes))


def check(**changes: Any) -> CheckOutcome:
    """A check that passed."""
    facts: dict[str, Any] = {
        "expectation": "expect_column_values_to_not_be_null",
        "column": "distance",
        "severity": Severity.WARNING,
        "passed": True,
        "rows": 890,
        "unexpected": 0,
    }
    return CheckOutcome(**(facts | changes))


def alert(name: str = "score_mean", of: Partition | None = None, **changes: Any) -> Alert:
    """An alert on a metric of the day."""
    facts: dict[str, Any] = {
        "partition": of or partition(),
        "family": Family.PREDICTIONS,
        "metric": name,
        "column": None,
        "severity": "warning",
        "title": f"{name} above its limit",
        "text": f"{name} 0.39, expected 0.15 to 0.27 from 28 days",
        "value": 0.39,
    }
    return Alert(**(facts | changes))


def results(of: Partition | None = None, family: Family = Family.PREDICTIONS, **changes: Any) -> Results:
    """One family of results."""
    facts: dict[str, Any] = {
        "partition": of or partition(),
        "family": family,
        "metrics": (metric(), metric("null_rate", 0.01, "wind_speed"), metric("null_rate", None)),
        "verdicts": (verdict(),),
        "checks": (check(),),
    }
    return Results(**(facts | changes))


def pin(number: int = 1, **changes: Any) -> BaselinePin:
    """A baseline that somebody accepted."""
    facts: dict[str, Any] = {
        "number": number,
        "baseline": Baseline(trailing=28),
        "first": date(2013, 3, 9),
        "who": "Ada",
        "why": "trained anew",
        "accepted_at": NOW,
    }
    return BaselinePin(**(facts | changes))


def stored_rows(store: MetricStore) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table."""
    with store._database.reading() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(sa.select(table))), key=repr)
            for table in schema.metadata.sorted_tables
        }


def publish_breach(store: MetricStore, **changes) -> None:
    store.publish(partition_state(), [results(alerts=(alert(),), **changes)], supersedes=None, channels=CHANNELS)


def claim_ids(store: MetricStore, now: datetime = NOW, limit: int = 10) -> list[int]:
    return [claim.id for claim in store.claim_pending(limit, now)]
