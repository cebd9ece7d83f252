"""Every field of what is said of a partition survives the store, on every database that it supports."""

from __future__ import annotations

from dataclasses import MISSING, fields
from datetime import date

import pytest

from airflow_mlmon.baselines import BaselineFacts
from airflow_mlmon.records import (
    Alert,
    Arrival,
    CheckOutcome,
    DriftDetail,
    Family,
    MetricValue,
    MultivariateDetail,
    Status,
    Verdict,
    VerdictState,
)
from tests.support.published import (
    DAY,
    alert,
    arrival,
    baseline,
    check,
    metric,
    partition,
    partition_state,
    results,
    verdict,
)

PARTIAL = arrival(status=Status.PARTIAL, message="2 rows: no id", delay_hours=None, delay_reason="no files")
DRIFT = DriftDetail(
    method="psi", baseline="the reference", rows_reference=9_000, note="3 NaN left out", mean_shift=0.25
)
STRONGEST = (("wind", 0.2), ("temp", 0.1), ("seats", 0.1))
TOGETHER = MultivariateDetail(rows_reference=1_000, strongest=STRONGEST, note="left out: visib")
METRIC = metric(
    "drift_score", 0.3, "wind", segment="origin=JFK", reason="no row", withheld="unknown version", error_bound=1e-3,
    low=0.2, high=0.4, constant=0.5, drift=DRIFT, new_values=(("EWR ", 3), ("\0", 1)),
)  # fmt: skip
MULTIVARIATE = metric("multivariate_drift", 0.8, multivariate=TOGETHER)
VERDICT = verdict(
    column="wind", segment="origin=JFK", note="few", severity="critical", p_value=1e-9, effect=-0.5, expected=0.2
)
CHECK = check(passed=False, unexpected=3, observed="3 of 890", expected="at least 0", error="none")
ALERT = alert(column="wind", segment="origin=JFK", p_value=1e-9, effect=-0.5, cause="drift of wind")
# how one is scored excludes the other, and where a breach stands is not known before it is followed
OTHERS = {"MetricValue": ["multivariate"], "Alert": ["lifecycle"]}
RECORDS = (METRIC, DRIFT, TOGETHER, VERDICT, CHECK, ALERT, PARTIAL, baseline())


def test_every_record_is_among_them():
    kinds = {Alert, Arrival, BaselineFacts, CheckOutcome, DriftDetail, MetricValue, MultivariateDetail, Verdict}

    assert {type(record) for record in RECORDS} == kinds


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_no_field_has_its_default(record):
    optional = {item.name: item.default for item in fields(record) if item.default is not MISSING}
    left = [name for name, default in optional.items() if getattr(record, name) == default]

    assert left == OTHERS.get(type(record).__name__, [])


@pytest.mark.parametrize(
    "value",
    [
        METRIC,
        MULTIVARIATE,
        metric(),
        metric(value=None, reason="no row"),
        metric(drift=DRIFT),
        metric(error_bound=0.0),
        metric("new_category_rate", 0.1, "wind", new_values=(("EWR ", 3),)),
        metric(low=0.0, high=0.4),
    ],
)
def test_metrics_come_back(store, value):
    store.publish(partition_state(), [results(metrics=(value,))], supersedes=None)

    assert store.metric_values(partition()) == [value]
    of_all = {} if value.column or value.segment else {(DAY, value.metric): value}
    assert store.measured("flights", DAY, DAY) == of_all
    assert store.past("flights", [value.metric], date(2013, 3, 9), 1) == (
        [] if value.value is None else [(DAY, value.key, value.value, 890)]
    )


def test_verdicts_checks_alerts_and_baselines_come_back(store):
    of_day = results(verdicts=(VERDICT,), checks=(CHECK,), alerts=(ALERT,), baselines=(baseline(),))
    store.publish(partition_state(), [of_day], supersedes=None)

    assert store.verdicts(partition()) == [VERDICT]
    assert store.checks(partition()) == [CHECK]
    assert store.alerts("flights", DAY, DAY) == [ALERT]
    assert store.compared_with(partition()) == [baseline()]


@pytest.mark.parametrize("came", [None, arrival(), PARTIAL])
@pytest.mark.parametrize("is_evaluated", [True, False])
def test_states_come_back(store, came, is_evaluated):
    state = partition_state(status=Status.FAILED, message="blocking", evaluated=is_evaluated, arrival=came)
    store.publish(state, [results(family=Family.LABELS)], supersedes=None)

    assert store.state(partition()) == state


def test_columns_are_listed_by_their_breaches_then_by_their_effects(store):
    given = {"far": (VerdictState.OK, -0.9), "near": (VerdictState.OK, 0.1), "none": (VerdictState.OK, None)}
    given |= {"breached": (VerdictState.BREACH, 0.2)}
    verdicts = [verdict("drift_score", column=name, state=state, effect=size) for name, (state, size) in given.items()]
    verdicts += [verdict("drift_score", column="near", segment="a=b", state=VerdictState.BREACH, effect=0.9)]
    store.publish(partition_state(), [results(verdicts=tuple(verdicts))], supersedes=None)

    assert store.most_breached("flights", "drift_score", DAY, DAY) == ["breached", "far", "near", "none"]
    assert store.most_breached("flights", "rows", DAY, DAY) == []
