"""New values of closed and open vocabularies, by few rows of few and of many days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from airflow_mlmon.evaluation.evaluate import PartitionEvidence, evaluate_day
from airflow_mlmon.evaluation.series import Point
from airflow_mlmon.records import MetricValue, Verdict, VerdictState
from airflow_mlmon.spec.evaluation import EvaluationPolicy

DAY = date(2026, 3, 1)
KEY = ("new_category_rate", "code", None)
POLICY = EvaluationPolicy()


def evaluate(new: int, rows: int, *, days: int, past: list[int], closed: bool, base: int = 0) -> Verdict:
    """Evaluate a day of some new rows after days with theirs; the reference had so many rows on each of its days."""
    evidence = PartitionEvidence(
        day=DAY,
        metrics=[MetricValue(metric=KEY[0], column=KEY[1], value=new / rows, rows=rows)],
        past={
            KEY: [
                (DAY - timedelta(days=len(past) - at), Point(value=found / rows, rows=rows))
                for at, found in enumerate(past)
            ]
        },
        base={KEY: Point(value=base / (days * rows), rows=days * rows)},
        closed=frozenset({"code"} if closed else ()),
    )
    [verdict] = evaluate_day(evidence, POLICY)
    return verdict


def test_one_row_of_a_new_value_is_news_after_a_thousand_days_of_a_closed_vocabulary():
    assert evaluate(1, 200, days=1_000, past=[0] * 28, closed=True).state is VerdictState.BREACH


@pytest.mark.parametrize(
    ("days", "past", "closed", "base"),
    [
        pytest.param(30, [0] * 28, True, 0, id="few-days"),
        pytest.param(1_000, [0] * 20 + [1] * 8, True, 0, id="later-days-had-some"),
        pytest.param(1_000, [0, 1, 0, 2] * 7, False, 700, id="open"),
    ],
)
def test_one_row_of_a_new_value_is_none_otherwise(days, past, closed, base):
    assert evaluate(1, 200, days=days, past=past, closed=closed, base=base).state is VerdictState.OK


def test_fifty_rows_of_an_open_vocabulary_are_none():
    usual = [45, 52, 49, 56, 41, 50, 47] * 4

    assert evaluate(50, 200, days=28, past=usual, closed=False, base=1_400).state is VerdictState.OK
    assert evaluate(90, 200, days=28, past=usual, closed=False, base=1_400).state is VerdictState.BREACH


@pytest.mark.parametrize("closed", [True, False])
def test_four_of_few_rows_of_a_value_that_never_was_are_news(closed):
    assert evaluate(4, 28, days=300, past=[0] * 28, closed=closed).state is VerdictState.BREACH
