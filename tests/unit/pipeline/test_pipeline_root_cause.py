"""Each alert of a day names its likely cause."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_mlmon.evaluation.incidents import Incident
from airflow_mlmon.pipeline.deciding.root_cause import name_causes
from airflow_mlmon.records import Alert, Family
from tests.support.published import alert, verdict

DRIFT = alert("drift_score", column="distance", title="drift of distance", p_value=1e-9, effect=0.3)
MEAN = alert("score_mean", title="mean score above", p_value=1e-9, effect=0.2)
ACCURACY = alert("accuracy", title="accuracy below", family=Family.LABELS, p_value=1e-9, effect=-0.2)
LABELS = alert("positive_rate", title="positive rate above", family=Family.LABELS, p_value=1e-9, effect=0.2)


def incident(*alerts: Alert, shift: float | None = None) -> Incident:
    return Incident(breaches=tuple(verdict(one.metric, column=one.column) for one in alerts), shift=shift)


def causes(alerts: list[Alert]) -> list[tuple[str, str]]:
    return [(one.title, one.cause) for one in alerts]


def test_alerts_of_an_incident_name_its_cause_and_what_it_would_do():
    words = "drift of distance (by itself it would move the mean score by +0.0123)"

    assert causes(name_causes([MEAN, DRIFT], [incident(DRIFT, MEAN, shift=0.01234)], output="mean score")) == [
        ("drift of distance", words),
        ("mean score above", words),
    ]


def test_what_is_in_no_incident_is_its_own_cause_and_first():
    by_rule = alert("null_rate", title="null rate above its limit")

    assert causes(name_causes([DRIFT, by_rule], [incident(DRIFT)])) == [
        ("null rate above its limit", "null rate above its limit"),
        ("drift of distance", "drift of distance"),
    ]


CHECK = alert("check.expect_column_values_to_not_be_null", column="distance", title="check of distance failed")
COUNT = alert("check.expect_table_row_count_to_be_between", title="check of rows failed")
ROWS = alert("rows", title="rows below", p_value=1e-9, effect=-0.7)
STATUS = alert("status", title="data incomplete")


def test_rules_and_checks_join_the_incident_of_their_column():
    by_rule = alert("null_rate", column="distance", title="null rate of distance above its limit")
    other = alert("null_rate", column="weekday", title="null rate of weekday above its limit")

    assert causes(name_causes([CHECK, by_rule, other, DRIFT], [incident(DRIFT)])) == [
        ("null rate of weekday above its limit", "null rate of weekday above its limit"),
        ("drift of distance", "drift of distance"),
        ("check of distance failed", "drift of distance"),
        ("null rate of distance above its limit", "drift of distance"),
    ]


def test_missing_rows_are_one_incident_whatever_says_so():
    assert causes(name_causes([STATUS, COUNT, ROWS, DRIFT], [incident(ROWS), incident(DRIFT)])) == [
        ("rows below", "rows below"),
        ("data incomplete", "rows below"),
        ("check of rows failed", "rows below"),
        ("drift of distance", "drift of distance"),
    ]


def test_a_day_that_fails_at_a_blocking_check_is_one_incident_with_it():
    failed = alert("status", title="run failed", severity="critical")
    blocking = alert(CHECK.metric, column="distance", title="check of distance failed", severity="critical")

    assert causes(name_causes([failed, blocking, DRIFT], [incident(DRIFT)])) == [
        ("drift of distance", "drift of distance"),
        ("run failed", "drift of distance"),
        ("check of distance failed", "drift of distance"),
    ]
    assert causes(name_causes([failed, blocking], [])) == [
        ("run failed", "check of distance failed"),
        ("check of distance failed", "check of distance failed"),
    ]
    assert causes(name_causes([failed, CHECK], []))[0] == ("run failed", "run failed")


def test_rules_and_checks_on_one_column_are_one_incident():
    by_rule = alert("null_rate", column="distance", title="null rate of distance above its limit")

    assert causes(name_causes([STATUS, by_rule, CHECK], [])) == [
        ("data incomplete", "data incomplete"),
        ("null rate of distance above its limit", "null rate of distance above its limit"),
        ("check of distance failed", "null rate of distance above its limit"),
    ]


@pytest.mark.parametrize(
    ("before", "cause"),
    [
        pytest.param([], "accuracy below", id="nothing"),
        pytest.param([alert("status", title="data incomplete", cause="data incomplete")], "accuracy below", id="rule"),
    ],
)
def test_performance_that_nothing_explains_is_its_own_cause(before, cause):
    assert causes(name_causes([ACCURACY], [incident(ACCURACY)], before)) == [("accuracy below", cause)]


def test_performance_follows_from_what_was_found_on_the_rows_of_its_day():
    other = alert("drift_score", column="weekday", title="drift of weekday", p_value=1e-9, effect=0.9)
    before = [*name_causes([MEAN, DRIFT], [incident(DRIFT, MEAN)]), *name_causes([other], [incident(other)])]

    # the share of positive labels is none of the model's doing
    assert causes(name_causes([ACCURACY, LABELS], [incident(LABELS), incident(ACCURACY)], before)) == [
        ("positive rate above", "positive rate above"),
        ("accuracy below", "drift of distance"),
    ]


def test_performance_follows_from_what_would_move_the_score_most_and_not_from_the_largest_effect():
    other = alert("drift_score", column="temp", title="drift of temp", p_value=1e-9, effect=2.8)
    before = name_causes(
        [other, DRIFT], [incident(DRIFT, shift=0.09), incident(other, shift=0.007)], output="mean score"
    )

    [(_, cause)] = causes(name_causes([ACCURACY], [incident(ACCURACY)], before))

    assert cause == "drift of distance (by itself it would move the mean score by +0.09)"


def test_what_the_model_puts_out_follows_from_the_drift_also_where_a_rule_limits_it():
    by_rule = alert("score_mean", title="mean score above its limit")

    assert causes(name_causes([by_rule, DRIFT], [incident(DRIFT)])) == [
        ("mean score above its limit", "drift of distance"),
        ("drift of distance", "drift of distance"),
    ]


def test_quarantine_is_told_by_its_reason_and_once():
    rate = alert("quarantined_share", title="quarantine rate above", p_value=1e-9, effect=0.3)
    reason = alert("status.duplicates", title="duplicates: id is a duplicate")

    assert causes(name_causes([reason, rate, ROWS], [incident(rate, ROWS)])) == [
        ("duplicates: id is a duplicate", "duplicates: id is a duplicate"),
        ("quarantine rate above", "duplicates: id is a duplicate"),
        ("rows below", "duplicates: id is a duplicate"),
    ]


def test_values_that_cannot_be_read_are_the_nulls_of_their_column():
    nulls = alert("null_rate", column="distance", title="null rate of distance above", p_value=1e-9, effect=0.3)
    unreadable = alert("status.values_unreadable", title="values unreadable")
    unreadable = replace(unreadable, text="column 'distance' is missing (200 values)")

    assert [one.cause for one in name_causes([unreadable, nulls], [incident(nulls)])] == [nulls.title] * 2
