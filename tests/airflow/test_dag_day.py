"""The nightly DAG in Airflow itself: `dag.test()` runs every task as the scheduler would."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from airflow_mlmon.records import Status
from airflow_mlmon.store.metric_store import MetricStore
from tests.support.archive import FIRST
from tests.support.dag import asset_events
from tests.support.processes import free_port
from tests.support.runs import local_archive

NOBODY = f"http://127.0.0.1:{free_port()}"
STEPS = {
    "wait_for_partition",
    "prepare_partition",
    "validate_partition",
    "profile_partition",
    "detect_drift",
    "measure_performance",
    "evaluate_partition",
    "write_report",
    "send_alerts",
}


def test_dag_runs_a_day_and_skips_druid_with_a_word(run_dag, tmp_path: Path):
    archive = local_archive(tmp_path, 1)

    done = run_dag(archive, str(FIRST), AIRFLOW__MLMON__METRICS_FOLDER=str(tmp_path / "collector"))

    assert done["state"] == "success"
    assert "mlmon_rows{" in (tmp_path / "collector" / "mlmon_loans.prom").read_text()
    assert done["tasks"] == dict.fromkeys(STEPS, "success") | {"druid_ingest": "skipped"}
    assert "Not ingested into Druid: connection 'mlmon_druid_default' does not exist" in done["log"]
    assert done["values"]["prepare_partition"]["rows_accepted"] == 80
    assert done["values"]["evaluate_partition"]["status"] == "OK"
    assert Path(done["values"]["write_report"]["uri"]).exists()
    # XCom carries summaries, never rows
    assert len(str(done["values"])) < 5_000


def test_dag_tells_of_a_alerting_day(run_dag, tmp_path: Path):
    archive = local_archive(tmp_path, 1)
    archive.write_day(FIRST, shift=0.3)

    done = run_dag(archive, str(FIRST), conf={"evidently": "json"})

    reports = Path(done["values"]["write_report"]["uri"]).parent
    assert [(reports / f"evidently.{ending}").exists() for ending in ("html", "json")] == [False, True]
    sent = done["values"]["send_alerts"]
    # one message of all that is unexpected: the mean score by its rule, the rest by the evaluation
    assert (sent["messages"], sent["failed"], sent["errors"]) == (1, 0, [])
    assert sent["sent"] > 1
    assert f"loans {FIRST}: warning: mean score" in done["log"]


@pytest.mark.guards("fault-38")
def test_dag_records_and_tells_of_a_failure(run_dag, tmp_path: Path):
    archive = local_archive(tmp_path, 1)

    nobody = {"conn_type": "aws", "login": "a", "password": "b", "extra": {"endpoint_url": NOBODY}}
    refused = {"AIRFLOW_CONN_AWS_REFUSED": json.dumps(nobody)}
    elsewhere = (f"path: {archive.root}/predictions", "connection: aws_refused\n  path: s3://bucket/predictions")

    done = run_dag(archive, str(FIRST), elsewhere, **refused)

    assert done["state"] == "failed"
    assert done["tasks"]["prepare_partition"] == "failed"
    assert done["tasks"]["evaluate_partition"] == "upstream_failed"
    assert done["tasks"]["write_report"] == done["tasks"]["send_alerts"] == "success"
    with MetricStore(f"sqlite:///{tmp_path / 'store.db'}") as store:
        [state] = store.states("loans", FIRST, FIRST)
    assert state.status is Status.FAILED
    assert "S3 did not answer the request for s3://bucket/predictions" in state.message
    assert "run failed" in Path(done["values"]["write_report"]["uri"]).read_text().lower()


def test_dag_fails_a_day_whose_blocking_check_failed_and_still_reports_it(run_dag, tmp_path: Path):
    archive = local_archive(tmp_path, 1)
    check = (
        "{expectation: expect_column_max_to_be_between, column: term, severity: blocking, arguments: {max_value: 24}}"
    )

    done = run_dag(archive, str(FIRST), ("\nhistory:", f"\nquality:\n  - {check}\nhistory:"))

    assert done["state"] == "failed"
    assert done["tasks"]["evaluate_partition"] == "failed"
    assert done["tasks"]["druid_ingest"] == "upstream_failed"
    assert "expect_column_max_to_be_between" in Path(done["values"]["write_report"]["uri"]).read_text()


def test_drift_gives_the_models_asset_an_event_and_a_day_as_expected_gives_none(run_dag, airflow_home, tmp_path: Path):
    archive = local_archive(tmp_path, 2)
    archive.write_day(FIRST + timedelta(days=1), shift=0.3)
    before = len(asset_events(airflow_home))

    only_rules = ("alerts:\n", "alerts:\n  evaluation: {rate: 0}\n")
    run_dag(archive, str(FIRST), only_rules)
    healthy = asset_events(airflow_home)[before:]
    run_dag(archive, str(FIRST + timedelta(days=1)), only_rules)

    assert healthy == []
    [(uri, verdict)] = asset_events(airflow_home)[before:]
    assert uri == "mlmon://loans/drift"
    assert (verdict["partition"], verdict["changes"], verdict["severity"]) == ("2026-03-02", ["drift"], "warning")
    assert [alert["metric"] for alert in verdict["alerts"]] == ["score_mean"]
