"""One line that says what moved."""

from __future__ import annotations

import pytest

from airflow_mlmon.records import MetricValue, Verdict, VerdictState
from airflow_mlmon.reports.shifts import shift_text
from airflow_mlmon.spec.metrics import CONCEPT_SHIFT, COVARIATE_SHIFT

OK, BREACH, LACKING = VerdictState.OK, VerdictState.BREACH, VerdictState.INSUFFICIENT_DATA


def metrics(inputs, relation, reason=""):
    return {
        COVARIATE_SHIFT: MetricValue(metric=COVARIATE_SHIFT, value=inputs, rows=900),
        CONCEPT_SHIFT: MetricValue(metric=CONCEPT_SHIFT, value=relation, rows=900, reason=reason),
    }


def verdicts(**states):
    return {
        name: Verdict(
            metric=name,
            column=None,
            value=0.0,
            state=state,
            low=None,
            high=None,
            rule="as expected",
            p_value=None if state is LACKING else 0.002,
        )
        for name, state in states.items()
    }


@pytest.mark.parametrize(
    ("inputs", "relation", "words"),
    [
        (OK, OK, "Neither the inputs that the loss depends on moved nor"),
        (BREACH, OK, "The inputs that the loss depends on moved, their relation"),
        (OK, BREACH, "The relation of inputs and labels moved, the"),
        (BREACH, BREACH, "Both moved"),
    ],
)
def test_each_part_has_its_test(inputs, relation, words):
    told = shift_text(metrics(0.0251, -0.5), verdicts(covariate_shift=inputs, concept_shift=relation))

    assert told.startswith(words)
    assert "expected to lose 0.0251 more than the reference's (p = 0.002)" in told
    assert "by their labels they lose 0.5 less than expected (p = 0.002)" in told


def test_without_labels_half_of_it_cannot_be_told():
    reason = "3 of 900 rows have a loss, fewer than 50%"
    told = shift_text(metrics(0.1, None, reason), verdicts(covariate_shift=BREACH, concept_shift=LACKING))

    assert f"depends on moved; whether their relation to the labels did cannot be told ({reason}): " in told
    assert "by their labels" not in told


def test_without_days_before_nothing_can_be_told():
    assert shift_text(metrics(0.1, 0.2), {}).startswith("Whether the inputs or their relation to the labels moved can")


def test_without_an_expected_loss_nothing_is_said():
    assert shift_text({}, {}) == ""
    assert shift_text(metrics(None, None), {}) == ""
