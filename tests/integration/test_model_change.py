"""What a day says of the model: drift and performance, and nothing else."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.deciding.model_change import confirmed_change
from tests.support.archive import FIRST
from tests.support.nightly_model import evaluate_day
from tests.support.runs import local_archive, opened

DAYS = [Partition.of_day("loans", FIRST + timedelta(days=offset)) for offset in range(3)]
ACCURACY = (
    "- {metric: positive_rate",
    "- {metric: accuracy, min: 1.0, severity: critical}\n    - {metric: positive_rate",
)
ROWS = ("- {metric: score_mean, ", "- {metric: rows, min: 1000}\n    - {metric: null_rate, max: 0.0, ")


def test_day_with_drift_gives_a_verdict_that_is_json(tmp_path: Path):
    archive = local_archive(tmp_path, 1)
    archive.write_day(FIRST, shift=0.3)
    with opened(tmp_path, archive, reports_url="https://airflow.example.com/mlmon") as run:
        evaluate_day(run, DAYS[0])
        verdict = confirmed_change(run, DAYS[0], DAYS[:1])

    assert verdict is not None
    assert json.loads(json.dumps(verdict, allow_nan=False)) == verdict
    assert verdict["changes"] == ["drift"]
    assert verdict["report"] == f"https://airflow.example.com/mlmon/loans/{FIRST}/report.html"


def test_labels_that_come_confirm_a_loss_of_performance_of_the_day_before(tmp_path: Path):
    with opened(tmp_path, local_archive(tmp_path, 2), ACCURACY) as run:
        for day in DAYS[:2]:
            evaluate_day(run, day)
        verdict = confirmed_change(run, DAYS[1], DAYS[:2])

    assert verdict is not None
    assert (verdict["changes"], verdict["severity"]) == (["performance"], "critical")
    assert [alert["partition"] for alert in verdict["alerts"]] == [DAYS[0].key]


def test_day_that_lacks_rows_or_values_says_nothing_of_the_model(tmp_path: Path):
    with opened(tmp_path, local_archive(tmp_path, 1), ROWS) as run:
        evaluate_day(run, DAYS[0])

        assert run.store.alerts(run.model, FIRST, FIRST)
        assert confirmed_change(run, DAYS[0], DAYS[:1]) is None


def test_day_of_the_past_that_is_run_again_says_nothing_of_the_model(tmp_path: Path):
    archive = local_archive(tmp_path, 2)
    with opened(tmp_path, archive) as run:
        evaluate_day(run, DAYS[1])
        archive.write_day(FIRST, shift=0.3)
        evaluate_day(run, DAYS[0])

        assert run.store.alerts(run.model, FIRST, FIRST)
        assert confirmed_change(run, DAYS[0], DAYS[:1]) is None
