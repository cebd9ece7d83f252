"""Stores of several models, each with a few days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from airflow_mlmon.fleet import RegisteredModel
from airflow_mlmon.partition import Partition
from airflow_mlmon.records import Family, PartitionState, Results, Status, VerdictState
from airflow_mlmon.store.metric_store import MetricStore
from tests.support.published import alert, metric, partition_state, results, verdict

TODAY = date(2013, 3, 9)
YESTERDAY = TODAY - timedelta(days=1)
MORNING = datetime(2013, 3, 9, 7, tzinfo=UTC)


def register(store: MetricStore, model: str, **changes: Any) -> RegisteredModel:
    """Register a model that has been monitored since the first of February."""
    facts: dict[str, Any] = {"model": model, "task": "binary", "owner": "ops", "start": date(2013, 2, 1)}
    found = RegisteredModel(**(facts | changes))
    store.register(found)
    return found


def run_day(
    store: MetricStore,
    model: str,
    day: date = YESTERDAY,
    *,
    alerts: Sequence[str] = (),
    channels: Sequence[str] = (),
    families: Sequence[Results] = (),
    **changes: Any,
) -> PartitionState:
    """Publish a day, which alerts on these metrics; `families` take the place of its own results."""
    of = Partition.of_day(model, day)
    state = partition_state(of, **changes)
    found = results(
        of,
        metrics=(metric("rows", 890), metric("drifted_columns", float(len(alerts)))),
        verdicts=(
            verdict("rows", value=890, state=VerdictState.OK, low=800, high=1000, expected=900),
            *(verdict(name) for name in alerts),
        ),
        checks=(),
        alerts=tuple(alert(name, of) for name in alerts),
    )
    before = store.state(of)
    published = {one.family: one for one in (found, *families)}
    store.publish(state, list(published.values()), supersedes=before.version if before else None, channels=channels)
    return state


def labelled(model: str, day: date, *values: Any) -> Results:
    """The results of a day's labels."""
    return results(Partition.of_day(model, day), Family.LABELS, metrics=tuple(values), verdicts=(), checks=())


def fleet_of_every_status(store: MetricStore) -> None:
    """Models of which each is named after its status."""
    for name in ("silent", "broken", "failed", "alerting", "notice", "healthy"):
        register(store, name)
    register(store, "inactive", end=date(2013, 2, 20))
    register(store, "never")
    run_day(store, "silent", YESTERDAY - timedelta(days=16))
    run_day(store, "inactive", date(2013, 2, 20))
    run_day(store, "broken")
    store.register_error("broken", "/specs/broken.yaml", "line 3: `ownr` is unknown")
    run_day(store, "failed", YESTERDAY - timedelta(days=1))
    store.record_failure(Partition.of_day("failed", YESTERDAY), "The archive does not answer.")
    run_day(store, "alerting", alerts=("score_mean", "null_rate"))
    run_day(store, "notice", status=Status.PARTIAL, message="1 of 4 files is damaged.")
    run_day(store, "healthy")
