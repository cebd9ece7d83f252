"""Alarms on the realised performance of the car loan data: accuracy is lost in chunks 5 to 9, and nowhere else."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_mlmon.evaluation.evaluate import PartitionEvidence, evaluate_day
from airflow_mlmon.evaluation.series import Point
from airflow_mlmon.records import VerdictState
from airflow_mlmon.spec.evaluation import EvaluationPolicy
from airflow_mlmon.tasks.binary.metrics import measure_outcomes
from airflow_mlmon.tasks.binary.outcome import profile_outcomes

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "car_loan"
CHUNK = 5_000
CHUNKS = 10
FIRST = date(2026, 1, 1)

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the car loan data is not beside the repository")


def chunks(scored: str, labelled: str):
    scores, labels = (pq.read_table(FOLDER / f"synthetic_car_loan_{name}.parquet") for name in (scored, labelled))
    rows = pa.table(
        {
            "score": scores["y_pred_proba"],
            "prediction": scores["y_pred"].cast(pa.bool_()),
            "label": labels["repaid"].cast(pa.bool_()),
            "excluded": pa.array([False] * scores.num_rows),
        }
    )
    return [
        measure_outcomes(profile_outcomes(rows.slice(start, CHUNK)), min_coverage=0.8)
        for start in range(0, rows.num_rows, CHUNK)
    ]


@pytest.fixture(scope="module")
def alarms() -> dict[str, list[int]]:
    """The chunks of the analysis on which each metric is in breach; a chunk in breach is no history of the next."""
    past: dict = {}
    found: dict[str, list[int]] = {}
    measured = chunks("reference", "reference") + chunks("analysis", "analysis_target")
    for position, metrics in enumerate(measured):
        day = FIRST + timedelta(days=position)
        verdicts = evaluate_day(PartitionEvidence(day=day, metrics=metrics, past=past), EvaluationPolicy(rate=0.025))
        bad = {verdict.metric for verdict in verdicts if verdict.state is VerdictState.BREACH}
        for metric in bad if position >= CHUNKS else ():
            found.setdefault(metric, []).append(position - CHUNKS)
        for value in metrics:
            if value.metric not in bad and value.value is not None:
                past.setdefault(value.key, []).append((day, Point(value=value.value, rows=value.rows)))
    return found


def test_accuracy_alarms_in_exactly_the_chunks_in_which_it_was_lost(alarms):
    assert alarms["accuracy"] == [5, 6, 7, 8, 9]


def test_no_metric_alarms_where_nothing_was_lost(alarms):
    assert all(min(where) >= 5 for where in alarms.values())
