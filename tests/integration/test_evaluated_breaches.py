"""One day on which several things break: what belongs together, which is the cause, and what a command says of it.

Amount and term move together from day to day, and the score follows the amount. On the day both are far higher,
and the channels have changed by themselves.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from threading import Barrier

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.alerts.message import day_message
from airflow_mlmon.cli.main import main
from airflow_mlmon.errors import PartitionConflictError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.drift import detect_drift
from airflow_mlmon.pipeline.steps.evaluate import evaluate_partition
from airflow_mlmon.pipeline.steps.performance import measure_performance
from airflow_mlmon.pipeline.steps.prepare import prepare_partition
from airflow_mlmon.pipeline.steps.profile import fill_days_before, profile_partition
from airflow_mlmon.pipeline.steps.validate import validate_partition
from airflow_mlmon.pipeline.workspace.reference import ensure_reference
from airflow_mlmon.store.metric_store import MetricStore
from tests.support.archive import FIRST, REFERENCE_DAYS, Archive, day_table, replace_columns, to_bytes
from tests.support.nightly_model import evaluate_day
from tests.support.postgres import fresh_database
from tests.support.runs import local_archive, opened

DAY = Partition.of_day("loans", FIRST)
ROWS = 400
RULES = """\
  rules:
    - {metric: score_mean, history: {deviations: 5, floor: 0.02}}
    - {metric: null_rate, max: 0.3}
    - {metric: positive_rate, history: {deviations: 5, floor: 0.05}}
"""
UNRULED = (RULES, "  channels: [{log: true}]\n")


def moving_table(day: date, *, is_broken: bool = False) -> pa.Table:
    """A day on which amount and term move together, and the score with the amount."""
    random = np.random.default_rng(day.toordinal())
    daily = 0.2 * random.normal() + (4.0 if is_broken else 0.0)
    amount = daily + random.normal(size=ROWS)
    columns = {
        "amount": amount,
        "term": np.round(60 + 10 * (daily + random.normal(size=ROWS))).astype(np.int64),
        "score": 1 / (1 + np.exp(-amount)),
        "approved": amount > 0,
        "channel": random.choice(["web", "branch", "phone"], ROWS, p=[0.1, 0.3, 0.6] if is_broken else [0.6, 0.3, 0.1]),
    }
    return replace_columns(day_table(day, ROWS), **columns)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("breaches")


@pytest.fixture(scope="module")
def archive(folder: Path) -> Archive:
    archive = local_archive(folder, 0)
    past = [moving_table(FIRST - timedelta(days=back)) for back in range(REFERENCE_DAYS, 0, -1)]
    archive.write(f"{archive.root}/reference/part-0.parquet", to_bytes(pa.concat_tables(past)))
    archive.write_predictions(FIRST, moving_table(FIRST, is_broken=True))
    (folder / "loans.yaml").write_text(archive.spec_text(UNRULED))
    return archive


@pytest.fixture(scope="module")
def run(folder: Path, archive: Archive) -> Iterator[Run]:
    with opened(folder, archive, UNRULED) as run:
        evaluate_day(run, DAY)
        yield run


def test_cause_is_the_column_that_moves_the_score(run):
    alerts = {(alert.metric, alert.column): alert for alert in run.store.alerts("loans", FIRST, FIRST)}
    amount, channel = (alerts["drift_score", name].title for name in ("amount", "channel"))

    assert alerts["drift_score", "amount"].cause.startswith(f"{amount} (by itself it would move the mean score by +0.3")
    for follower in (("drift_score", "term"), ("drift_score", "score"), ("score_mean", None)):
        assert alerts[follower].cause == alerts["drift_score", "amount"].cause
    assert alerts["drift_score", "channel"].cause.startswith(channel)


def test_first_line_of_the_message_names_the_cause(run):
    state = run.store.state(DAY)
    message = day_message(state, run.store.alerts("loans", FIRST, FIRST))

    cause, _, first, *_ = message.text.splitlines()
    assert cause.startswith("Likely cause: drift of amount: values higher than expected (by itself")
    assert first.startswith("- critical: drift of amount ")
    assert "drift of amount: values higher than expected" in message.subject


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)])
def test_two_runs_that_evaluate_the_same_day_at_once_leave_one_state(request, run, archive, tmp_path, kind):
    is_sqlite = kind == "sqlite"
    url = f"sqlite:///{tmp_path}/store.db" if is_sqlite else fresh_database(request.getfixturevalue("postgres"))
    with MetricStore(url) as first, MetricStore(url) as second:
        runs = [replace(run, store=store, workspace=str(tmp_path / "workspace")) for store in (first, second)]
        fill_days_before(runs[0], ensure_reference(runs[0]), DAY)
        prepared = prepare_partition(runs[0], DAY)
        validate_partition(runs[0], prepared)
        profiled = profile_partition(runs[0], prepared)
        drift = detect_drift(runs[0], prepared, profiled)
        measured = measure_performance(runs[0], prepared)
        start = Barrier(2)

        def evaluate(one: Run) -> bool:
            start.wait()
            try:
                evaluate_partition(one, prepared, profiled, drift, measured)
            except PartitionConflictError:
                return False
            return True

        with ThreadPoolExecutor(2) as pool:
            done = list(pool.map(evaluate, runs))

        assert any(done)
        found = first.alerts("loans", FIRST, FIRST)
        assert {alert.fingerprint for alert in found} == {
            alert.fingerprint for alert in run.store.alerts("loans", FIRST, FIRST)
        }
        assert first.verdicts(DAY) == run.store.verdicts(DAY)
        claims = first.claim_pending(10, DAY.end) + second.claim_pending(10, DAY.end)
        assert sorted(claim.alert.fingerprint for claim in claims) == sorted(alert.fingerprint for alert in found)


@pytest.mark.parametrize("command", [["run", "--partition", DAY.key], ["backfill", "--from", DAY.key, "--to", DAY.key]])
def test_commands_print_verdicts_and_alerts(run, folder, monkeypatch, capsys, command):
    monkeypatch.setenv("AIRFLOW__MLMON__STORE", f"sqlite:///{folder / 'store.db'}")
    monkeypatch.setenv("AIRFLOW__MLMON__WORKSPACE", run.workspace)
    name, *days = command

    assert main([name, str(folder / "loans.yaml"), *days, "--json"]) == 0
    [day] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert {"partition", "status", "rows", "verdicts", "alerts"} <= day.keys()
    assert (day["partition"], day["status"], day["rows"]) == (DAY.key, "OK", ROWS)
    verdicts = {(one["metric"], one["column"], one["segment"]): one for one in day["verdicts"]}
    drift, rows = verdicts["drift_score", "amount", None], verdicts["rows", None, None]
    assert {"value", "p_value", "effect", "breached", "state", "low", "high", "rule", "note"} <= drift.keys()
    assert (drift["breached"], drift["state"], rows["breached"]) == (True, "BREACH", False)
    assert drift["p_value"] < 1e-3
    assert drift["effect"] > 1
    alerts = {(one["metric"], one["column"]): one for one in day["alerts"]}
    assert {"fingerprint", "state", "severity", "cause"} <= alerts["drift_score", "term"].keys()
    assert alerts["drift_score", "term"]["state"] == "open"
    assert alerts["drift_score", "term"]["severity"] == "critical"
    assert alerts["drift_score", "term"]["cause"] == alerts["drift_score", "amount"]["cause"]
