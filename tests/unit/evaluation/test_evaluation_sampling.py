"""Where only a fraction of the requests is logged, the rows that the logged ones stand for are evaluated."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from airflow_mlmon.evaluation.evaluate import PartitionEvidence, evaluate_day
from airflow_mlmon.evaluation.series import Point
from airflow_mlmon.records import MetricValue, VerdictState
from airflow_mlmon.spec.evaluation import EvaluationPolicy

DAY = date(2026, 3, 21)
UNSAMPLED = "rows_before_sampling"


def evaluated(rows: int, fraction: float, past: float) -> dict[str, VerdictState]:
    """The states of a day after 20 days of about 1,000 rows, of which a fraction was logged."""
    metrics = [
        MetricValue(metric="rows", value=rows, rows=rows),
        MetricValue(metric=UNSAMPLED, value=rows / fraction, rows=rows),
    ]
    counts = [round((1_000 + 7 * (back % 5)) * past) for back in range(20, 0, -1)]
    days = [DAY - timedelta(days=back) for back in range(20, 0, -1)]
    points = {
        ("rows", None, None): [Point(value=count, rows=count) for count in counts],
        (UNSAMPLED, None, None): [Point(value=count / past, rows=count) for count in counts],
    }
    evidence = PartitionEvidence(
        day=DAY, metrics=metrics, past={key: list(zip(days, own, strict=True)) for key, own in points.items()}
    )
    return {verdict.metric: verdict.state for verdict in evaluate_day(evidence, EvaluationPolicy())}


def test_rows_are_evaluated_where_all_requests_are_logged():
    assert evaluated(1_010, 1.0, past=1.0) == {"rows": VerdictState.OK}
    assert evaluated(300, 1.0, past=1.0) == {"rows": VerdictState.BREACH}


@pytest.mark.parametrize(("fraction", "past"), [(0.1, 1.0), (0.1, 0.1), (1.0, 0.1)])
def test_steady_traffic_is_healthy_whatever_fraction_is_logged(fraction, past):
    assert evaluated(round(1_010 * fraction), fraction, past) == {UNSAMPLED: VerdictState.OK}


@pytest.mark.parametrize(("fraction", "past"), [(0.1, 1.0), (0.1, 0.1), (1.0, 0.1)])
def test_fall_of_the_traffic_is_a_breach_whatever_fraction_is_logged(fraction, past):
    assert evaluated(round(300 * fraction), fraction, past) == {UNSAMPLED: VerdictState.BREACH}


def test_count_of_a_small_sample_varies_as_the_sample_does():
    """Of 8 requests logged where 10 are expected nothing can be said."""
    assert evaluated(8, 0.01, past=1.0) == {UNSAMPLED: VerdictState.OK}
