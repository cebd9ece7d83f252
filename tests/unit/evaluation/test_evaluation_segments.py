from __future__ import annotations

from datetime import date, timedelta

import pytest

from airflow_mlmon.evaluation.drift import ColumnHistory
from airflow_mlmon.evaluation.evaluate import PartitionEvidence, evaluate_day
from airflow_mlmon.evaluation.evidence import ColumnEvidence
from airflow_mlmon.evaluation.series import Point
from airflow_mlmon.records import MetricValue, VerdictState
from airflow_mlmon.spec.evaluation import EvaluationPolicy

DAY = date(2026, 3, 31)
PAST = [DAY - timedelta(days=back) for back in range(28, 0, -1)]
JFK = "origin=JFK"


def evidence_of(statistic: float) -> ColumnEvidence:
    return ColumnEvidence(rows=1000, base_rows=50_000, place=None, scale=0.0, statistic=statistic, freedom=2)


def test_rows_of_a_segment_stand_beside_the_rows_that_are_expected():
    history = ColumnHistory(day=DAY, now=evidence_of(900.0), past=[(day, evidence_of(2.0)) for day in PAST])
    evidence = PartitionEvidence(
        day=DAY,
        metrics=[
            MetricValue(metric="rows", value=1000, rows=1000),
            MetricValue(metric="drift_score", column="origin", value=0.9, rows=1000),
            MetricValue(metric="rows", segment=JFK, value=700, rows=700),
        ],
        past={
            ("rows", None, None): [(day, Point(value=2000, rows=2000)) for day in PAST],
            ("rows", None, JFK): [(day, Point(value=600, rows=600)) for day in PAST],
        },
        columns={"origin": history},
    )

    verdicts = evaluate_day(evidence, EvaluationPolicy())

    [rows] = [verdict for verdict in verdicts if verdict.segment == JFK]
    assert rows.state is VerdictState.BREACH
    assert (rows.value, rows.expected) == (700, pytest.approx(300))
