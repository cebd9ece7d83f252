"""Results of many models at once, on every database."""

from __future__ import annotations

from datetime import date, timedelta

import sqlalchemy as sa

from airflow_mlmon.lifecycle.tracked_incidents import SentMessage
from airflow_mlmon.records import Action, ActionKind, Status
from airflow_mlmon.store import schema
from airflow_mlmon.store.across_models import DayStatus, OpenAlerts
from tests.support.many_models import MORNING, YESTERDAY, fleet_of_every_status, labelled, register, run_day
from tests.support.published import metric

BEFORE = YESTERDAY - timedelta(days=1)


def test_the_last_run_of_a_model_may_be_one_that_failed(store):
    fleet_of_every_status(store)

    last, completed = store.last_runs(), store.last_runs(is_completed=True)

    assert (last["failed"].status, last["failed"].partition.day) == (Status.FAILED, YESTERDAY)
    assert completed["failed"].partition.day == BEFORE
    assert last["healthy"] == completed["healthy"]
    assert "never" not in last


def test_days_of_several_models_count_the_alerts_of_each_day(store):
    fleet_of_every_status(store)
    run_day(store, "healthy", BEFORE)

    found = store.past_days(["healthy", "alerting", "never"], BEFORE, YESTERDAY)

    assert found == {
        "healthy": {BEFORE: DayStatus(status=Status.OK), YESTERDAY: DayStatus(status=Status.OK)},
        "alerting": {YESTERDAY: DayStatus(status=Status.OK, alerts=2)},
    }


def test_values_are_those_of_the_day_of_each_model(store):
    for model in ("a", "b"):
        register(store, model)
    run_day(store, "a", BEFORE, alerts=("null_rate",))
    run_day(store, "a", YESTERDAY)
    run_day(store, "b", YESTERDAY, alerts=("null_rate", "score_mean"))
    days = {"a": BEFORE, "b": YESTERDAY}

    drifted = {
        name: found["drifted_columns"].value for name, found in store.values_on(days, ["drifted_columns"]).items()
    }

    assert drifted == {"a": 1, "b": 2}
    assert store.verdicts_on(days, "rows")["a"].expected == 900
    assert store.values_on({}, ["rows"]) == {}


def test_the_last_value_of_a_metric_may_be_of_an_earlier_day_than_that_of_another(store):
    register(store, "a")
    run_day(store, "a", BEFORE, families=[labelled("a", BEFORE, metric("accuracy", 0.8), metric("roc_auc", 0.7))])
    late = labelled("a", YESTERDAY, metric("accuracy", None), metric("roc_auc", 0.6))
    run_day(store, "a", YESTERDAY, families=[late])

    def latest(*metrics: str) -> dict[str, tuple[date, str, float | None]]:
        found = store.latest_values({"a": metrics, "b": ["roc_auc"]}, BEFORE, YESTERDAY)
        return {name: (value.day, value.measured.metric, value.measured.value) for name, value in found.items()}

    assert latest("accuracy", "roc_auc") == {"a": (BEFORE, "accuracy", 0.8)}
    assert latest("log_loss", "roc_auc", "accuracy") == {"a": (YESTERDAY, "roc_auc", 0.6)}
    assert latest("log_loss") == latest() == {}


def test_segments_and_measured_columns_are_counted_by_model(store):
    register(store, "a")
    rows = [metric("rows", value, segment=f"version={name}") for name, value in (("v1", 600), ("v2", 290))]
    drift = [metric("drift_score", value, column=name) for name, value in (("x", 0.1), ("y", 0.2), ("z", None))]
    run_day(store, "a", families=[labelled("a", YESTERDAY, *rows, *drift)])
    with store._database.writing() as connection:
        connection.execute(sa.update(schema.metrics).values(family="predictions"))

    assert store.segments_on({"a": YESTERDAY}) == {"a": {"version=v1": 600, "version=v2": 290}}
    assert store.measured_columns({"a": YESTERDAY}, "drift_score") == {"a": 2}


def test_open_alerts_are_counted_by_state_and_read_with_their_last_message(store):
    register(store, "a")
    run_day(store, "a", alerts=("score_mean", "null_rate", "rows"), channels=("log",))
    alerts = {alert.metric: alert for alert in store.unresolved_alerts(["a"])}
    for name, kind, until in (
        ("score_mean", ActionKind.ACKNOWLEDGE, None),
        ("null_rate", ActionKind.MUTE, date(2013, 4, 1)),
    ):
        action = Action(kind=kind, day=YESTERDAY, until=until, who="ann", why="known", at=MORNING)
        store.act("a", [alerts[name].fingerprint], action)
    claims = store.claim_pending(10, MORNING)
    store.mark_sent([claim.id for claim in claims], MORNING)

    assert store.open_alerts() == {"a": OpenAlerts(open=1, acknowledged=1, muted=1)}
    assert len(store.unresolved_alerts()) == 3
    assert store.unresolved_alerts(["b"]) == []
    sent = store.last_messages([("a", alert.fingerprint) for alert in alerts.values()])
    assert sent[("a", alerts["rows"].fingerprint)] == SentMessage(channel="log", at=MORNING)
