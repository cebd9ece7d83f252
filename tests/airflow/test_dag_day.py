"""The nightly DAG in Airflow itself: `dag.test()` runs every task as the scheduler would."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from airflow_mlmon.records import Status
from airflow_mlmon.store.metric_store import MetricStore
from tests.support.archive import FIRST, WITHOUT_EVIDENTLY
from tests.support.dag import asset_events, run_dag_file
from tests.support.processes import free_port
from tests.support.runs import local_archive, stored_rows

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
    "day_evaluated",
}
SINGLE = ("reference:\n", "dag: {single_task: true, retries: 0}\nreference:\n")


def test_dag_runs_a_day_without_a_task_for_druid(run_dag, tmp_path: Path):
    archive = local_archive(tmp_path, 1)

    done = run_dag(archive, str(FIRST), AIRFLOW__MLMON__METRICS_FOLDER=str(tmp_path / "collector"))

    assert done["state"] == "success"
    assert "mlmon_rows{" in (tmp_path / "collector" / "mlmon_loans.prom").read_text()
    assert done["tasks"] == dict.fromkeys(STEPS, "success")
    assert done["values"]["prepare_partition"]["rows_accepted"] == 80
    assert done["values"]["evaluate_partition"]["status"] == "OK"
    assert Path(done["values"]["write_report"]["uri"]).exists()
    # XCom carries summaries, never rows
    assert len(str(done["values"])) < 5_000


def test_a_day_in_one_task_has_the_results_of_the_steps(airflow_home, tmp_path: Path):
    archive = local_archive(tmp_path, 1)
    archive.write_day(FIRST, shift=0.3)
    folders = {form: tmp_path / form for form in ("steps", "single")}

    steps = run_dag_file(folders["steps"], archive, str(FIRST), WITHOUT_EVIDENTLY)
    single = run_dag_file(folders["single"], archive, str(FIRST), WITHOUT_EVIDENTLY, SINGLE)

    assert single["state"] == "success"
    assert single["tasks"] == {"run_partition": "success"}
    assert [stored(folder) for folder in folders.values()] == [stored(folders["steps"])] * 2
    summary = json.loads(json.dumps(single["values"]["run_partition"]).replace(str(folders["single"]), "here"))
    expected = json.loads(json.dumps(steps["values"]).replace(str(folders["steps"]), "here"))
    # the file between two tasks
    del expected["detect_drift"]["uri"]
    assert summary == expected.pop("evaluate_partition") | {name: expected[name] for name in expected if expected[name]}


def stored(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    return stored_rows(folder, "mlmon_metrics", "mlmon_verdicts", "mlmon_alerts")


def test_dag_tells_of_a_alerting_day(run_dag, tmp_path: Path):
    archive = local_archive(tmp_path, 1)
    archive.write_day(FIRST, shift=0.3)

    done = run_dag(
        archive, str(FIRST), conf={"evidently": "json"}, AIRFLOW__API__BASE_URL="https://airflow.example/sub/"
    )

    reports = Path(done["values"]["write_report"]["uri"]).parent
    assert [(reports / f"evidently.{ending}").exists() for ending in ("html", "json")] == [False, True]
    assert 'href="https://airflow.example/sub/dags/loans/runs/' in (reports / "report.html").read_text()
    sent = done["values"]["send_alerts"]
    # one message of all that is unexpected: the mean score by its rule, the rest by the evaluation
    assert (sent["messages"], sent["failed"], sent["errors"]) == (1, 0, [])
    assert sent["sent"] > 1
    assert f"loans {FIRST}: warning: mean score" in done["log"]


Form = tuple[tuple[str, str], ...]
FORMS = [pytest.param((), id="steps"), pytest.param((SINGLE,), id="single")]


@pytest.mark.guards("fault-38")
@pytest.mark.parametrize("form", FORMS)
def test_dag_records_and_tells_of_a_failure(run_dag, tmp_path: Path, form: Form):
    archive = local_archive(tmp_path, 1)

    nobody = {"conn_type": "aws", "login": "a", "password": "b", "extra": {"endpoint_url": NOBODY}}
    refused = {"AIRFLOW_CONN_AWS_REFUSED": json.dumps(nobody)}
    elsewhere = (f"path: {archive.root}/predictions", "connection: aws_refused\n  path: s3://bucket/predictions")

    done = run_dag(archive, str(FIRST), elsewhere, *form, **refused)

    assert done["state"] == "failed"
    if form:
        assert done["tasks"] == {"run_partition": "failed"}
    else:
        assert done["tasks"]["prepare_partition"] == "failed"
        assert done["tasks"]["evaluate_partition"] == done["tasks"]["day_evaluated"] == "upstream_failed"
        assert done["tasks"]["write_report"] == done["tasks"]["send_alerts"] == "success"
    assert f"loans {FIRST}: critical: " in done["log"]
    with MetricStore(f"sqlite:///{tmp_path / 'store.db'}") as store:
        [state] = store.states("loans", FIRST, FIRST)
    assert state.status is Status.FAILED
    assert "S3 did not answer the request for s3://bucket/predictions" in state.message
    assert "run failed" in page(tmp_path).lower()


@pytest.mark.parametrize("form", FORMS)
def test_dag_fails_a_day_whose_blocking_check_failed_and_still_reports_it(run_dag, tmp_path: Path, form: Form):
    archive = local_archive(tmp_path, 1)
    check = (
        "{expectation: expect_column_max_to_be_between, column: term, severity: blocking, arguments: {max_value: 24}}"
    )

    checked = ("\nhistory:", f"\nquality:\n  - {check}\nhistory:")
    done = run_dag(archive, str(FIRST), WITHOUT_EVIDENTLY, checked, *form)

    assert done["state"] == "failed"
    failed = (
        {"run_partition": "failed"} if form else {"evaluate_partition": "failed", "day_evaluated": "upstream_failed"}
    )
    assert done["tasks"] | failed == done["tasks"]
    assert "expect_column_max_to_be_between" in page(tmp_path)
    assert f"loans {FIRST}: critical: " in done["log"]


def page(folder: Path) -> str:
    """The page of the day."""
    return (folder / "workspace" / "reports" / "loans" / str(FIRST) / "report.html").read_text()


def test_a_day_gives_the_models_assets_events_and_drift_only_where_there_is_some(run_dag, airflow_home, tmp_path: Path):
    archive = local_archive(tmp_path, 2)
    archive.write_day(FIRST + timedelta(days=1), shift=0.3)
    before = len(asset_events(airflow_home))

    only_rules = WITHOUT_EVIDENTLY, ("alerts:\n", "alerts:\n  evaluation: {rate: 0}\n")
    run_dag(archive, str(FIRST), *only_rules)
    healthy = asset_events(airflow_home)[before:]
    run_dag(archive, str(FIRST + timedelta(days=1)), *only_rules, SINGLE)
    alerting = asset_events(airflow_home)[before + 2 :]

    assert sorted((event.uri, event.partition_key) for event in healthy) == [
        ("mlmon://loans/curated", "2026-03-01"),
        ("mlmon://loans/metrics", "2026-03-01"),
    ]
    facts = healthy[0].extra
    assert (facts["status"], facts["rows"], facts["alerts"]) == ("OK", 80, 0)
    assert facts["report"].endswith("/loans/2026-03-01/report.html")
    assert len(alerting) == 3
    [(key, verdict)] = [event[1:] for event in alerting if event.uri == "mlmon://loans/drift"]
    assert key is None
    assert (verdict["partition"], verdict["changes"], verdict["severity"]) == ("2026-03-02", ["drift"], "warning")
    assert [alert["metric"] for alert in verdict["alerts"]] == ["score_mean"]


def test_a_day_without_data_has_metrics_and_no_curated_rows(run_dag, airflow_home, tmp_path: Path):
    archive = local_archive(tmp_path, 1)
    before = len(asset_events(airflow_home))

    run_dag(archive, str(FIRST + timedelta(days=1)), SINGLE)

    [event] = asset_events(airflow_home)[before:]
    assert (event.uri, event.partition_key, event.extra["status"]) == ("mlmon://loans/metrics", "2026-03-02", "NO_DATA")
