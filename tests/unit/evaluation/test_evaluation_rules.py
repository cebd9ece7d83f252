from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_mlmon.evaluation.rules import evaluate_rules, status_verdict
from airflow_mlmon.records import Status, VerdictState
from airflow_mlmon.spec.alerts import AlertRule, HistoryLimit
from airflow_mlmon.spec.history import History
from tests.support.published import metric, partition_state

HISTORY = History()
# median 0.20, MAD 0.01
PAST = [0.18, 0.19, 0.20, 0.21, 0.22, 0.19, 0.21] * 4
SCORE = ("score_mean", None)


def score_rule(**limit) -> AlertRule:
    return AlertRule(metric="score_mean", history=HistoryLimit(**limit))


def score_verdict(value: float | None, past=PAST, **limit):
    [verdict] = evaluate_rules([metric(value=value)], {SCORE: past}, [score_rule(**limit)], HISTORY)
    return verdict


@pytest.mark.parametrize(
    ("value", "state"),
    [
        pytest.param(0.8, VerdictState.OK, id="at-the-limit"),
        pytest.param(0.79, VerdictState.BREACH, id="below"),
        pytest.param(None, VerdictState.INSUFFICIENT_DATA, id="absent"),
        pytest.param(math.nan, VerdictState.INSUFFICIENT_DATA, id="not-a-number"),
        pytest.param(math.inf, VerdictState.INSUFFICIENT_DATA, id="infinite"),
    ],
)
def test_a_fixed_limit_evaluates_the_value(value, state):
    [verdict] = evaluate_rules([metric("accuracy", value)], {}, [AlertRule(metric="accuracy", min=0.8)], HISTORY)

    assert (verdict.state, verdict.low, verdict.high, verdict.rule) == (state, 0.8, None, "at least 0.8")


def test_a_history_limit_keeps_its_band_and_deviations():
    verdict = score_verdict(0.39)

    assert verdict.state is VerdictState.BREACH
    assert verdict.low == pytest.approx(0.20 - 5 * 1.4826 * 0.01)
    assert verdict.high == pytest.approx(0.20 + 5 * 1.4826 * 0.01)
    assert verdict.deviations == pytest.approx(0.19 / 0.014826)
    assert (verdict.history, verdict.rule) == (28, "within 5 robust standard deviations of the median of 28 days")


@pytest.mark.parametrize(
    ("side", "value", "state"),
    [
        ("above", 0.05, VerdictState.OK),
        ("above", 0.39, VerdictState.BREACH),
        ("below", 0.05, VerdictState.BREACH),
        ("below", 0.39, VerdictState.OK),
    ],
)
def test_a_history_limit_minds_its_side(side, value, state):
    assert score_verdict(value, side=side).state is state


def test_the_floor_is_the_least_deviation():
    assert score_verdict(0.29, floor=0.02).state is VerdictState.OK
    assert score_verdict(0.31, floor=0.02).state is VerdictState.BREACH


def test_too_few_days_are_not_evaluated():
    verdict = score_verdict(0.9, past=PAST[:12])

    assert verdict.state is VerdictState.INSUFFICIENT_DATA
    assert (verdict.note, verdict.history, verdict.low, verdict.high) == ("history 12 of 28", 12, None, None)


def test_an_absent_value_is_not_evaluated():
    verdict = score_verdict(None)

    assert (verdict.state, verdict.note, verdict.value) == (VerdictState.INSUFFICIENT_DATA, "no value", None)


def test_days_that_are_not_finite_do_not_count():
    assert score_verdict(0.2, past=[*PAST[:13], math.inf, math.nan]).note == "history 13 of 28"


@pytest.mark.parametrize(
    ("value", "state"),
    [(0.2, VerdictState.OK), (0.2 + 1e-12, VerdictState.OK), (0.2001, VerdictState.BREACH), (0.0, VerdictState.BREACH)],
)
def test_any_change_of_a_constant_is_a_breach(value, state):
    verdict = score_verdict(value, past=[0.2] * 28)

    assert (verdict.state, verdict.deviations) == (state, None)


def test_a_share_that_always_was_zero_breaches_when_it_is_not():
    rule = AlertRule(metric="null_rate", history=HistoryLimit(side="above"))

    [verdict] = evaluate_rules([metric("null_rate", 1e-6)], {("null_rate", None): [0.0] * 28}, [rule], HISTORY)

    assert (verdict.state, verdict.high) == (VerdictState.BREACH, 0.0)


def test_the_band_of_a_share_stays_between_zero_and_one():
    rule = AlertRule(metric="null_rate", history=HistoryLimit(deviations=100))

    [verdict] = evaluate_rules([metric("null_rate", 0.5)], {("null_rate", None): PAST}, [rule], HISTORY)

    assert (verdict.low, verdict.high) == (0.0, 1.0)


def test_a_rule_with_both_kinds_of_limits_gives_two_verdicts():
    rule = AlertRule(metric="score_mean", max=0.3, history=HistoryLimit(), severity="critical")

    verdicts = evaluate_rules([metric(value=0.39)], {SCORE: PAST[:3]}, [rule], HISTORY)

    assert [found.state for found in verdicts] == [VerdictState.BREACH, VerdictState.INSUFFICIENT_DATA]
    assert {found.severity for found in verdicts} == {"critical"}


def test_a_rule_without_a_column_is_about_the_whole_day_where_it_has_a_value():
    metrics = [metric("null_rate", 0.1), metric("null_rate", 0.9, "wind_speed")]

    verdicts = evaluate_rules(metrics, {}, [AlertRule(metric="null_rate", max=0.5)], HISTORY)

    assert [(found.column, found.state) for found in verdicts] == [(None, VerdictState.OK)]


def test_a_rule_without_a_column_is_about_each_column_where_the_day_has_no_value():
    metrics = [metric("drift_score", 0.1, "carrier"), metric("drift_score", 0.9, "wind_speed")]

    verdicts = evaluate_rules(metrics, {}, [AlertRule(metric="drift_score", max=0.5)], HISTORY)

    assert [(found.column, found.state) for found in verdicts] == [
        ("carrier", VerdictState.OK),
        ("wind_speed", VerdictState.BREACH),
    ]


def test_rules_on_labels_wait_for_labels():
    rules = [AlertRule(metric="accuracy", min=0.8), AlertRule(metric="rows", min=1)]

    verdicts = evaluate_rules([metric("rows", 900.0)], {}, rules, HISTORY)

    assert [found.metric for found in verdicts] == ["rows"]


def test_a_metric_that_is_missing_from_its_family_is_not_evaluated():
    [verdict] = evaluate_rules([metric("rows", 900.0)], {}, [AlertRule(metric="drifted_columns", max=3)], HISTORY)

    assert (verdict.metric, verdict.state) == ("drifted_columns", VerdictState.INSUFFICIENT_DATA)


@pytest.mark.parametrize(
    ("status", "state", "severity"),
    [
        (Status.OK, VerdictState.OK, "warning"),
        (Status.PARTIAL, VerdictState.BREACH, "warning"),
        (Status.NO_DATA, VerdictState.BREACH, "critical"),
        (Status.QUARANTINED, VerdictState.BREACH, "critical"),
        (Status.FAILED, VerdictState.BREACH, "critical"),
    ],
)
def test_any_status_but_ok_is_a_breach(status, state, severity):
    verdict = status_verdict(partition_state(status=status))

    assert (verdict.metric, verdict.state, verdict.severity) == ("status", state, severity)


finite = st.floats(-1e6, 1e6)


@given(value=finite, past=st.lists(finite, min_size=14, max_size=40), deviations=st.floats(0.1, 20))
def test_a_breach_is_a_value_outside_the_band(value, past, deviations):
    verdict = score_verdict(value, past=past, deviations=deviations)

    assert (verdict.state is VerdictState.BREACH) == (not verdict.low <= value <= verdict.high)


@given(past=st.lists(finite, min_size=14, max_size=40), order=st.randoms(use_true_random=False))
def test_the_order_of_the_days_does_not_matter(past, order):
    shuffled = order.sample(past, len(past))

    assert score_verdict(0.5, past=past) == score_verdict(0.5, past=shuffled)
