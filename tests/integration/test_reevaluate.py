"""A past day is redone: what rests on it says so, and is evaluated anew without a row being read."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from airflow_mlmon.cli.main import main
from airflow_mlmon.pipeline.deciding.staleness import stale_days
from airflow_mlmon.pipeline.history.reevaluate import Outcome, reevaluate
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.pages.report import write_pages
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import Status
from airflow_mlmon.tasks.registry import METRICS
from tests.support.archive import FIRST, Archive, day_table, partition, to_bytes
from tests.support.nightly_model import evaluate_day
from tests.support.runs import local_archive, opened

DAYS, REDONE = 8, 3
BASELINE = ("\nhistory:", "\nbaseline: {trailing: 6}\nhistory:")


def write_late_rows(archive: Archive) -> None:
    late = day_table(partition(REDONE).day + timedelta(days=300), 200, shift=0.4)
    late = late.set_column(1, "at", day_table(partition(REDONE).day, 200).column("at"))
    content = to_bytes(late.drop_columns(["repaid", "outcome"]))
    archive.write(archive.predictions_uri(partition(REDONE).day, "late.parquet"), content)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return local_archive(tmp_path, DAYS)


@pytest.fixture
def run(tmp_path: Path, archive: Archive):
    with opened(tmp_path, archive, BASELINE) as run:
        for offset in range(DAYS):
            evaluate_day(run, partition(offset))
        yield run


def said(run: Run, offset: int) -> tuple[object, ...]:
    """All that was said of a day."""
    store, of = run.store, partition(offset)
    alerts = [alert.fingerprint for alert in store.alerts("loans", of.day, of.day)]
    # what is expected of labels rests on the labels of other days, and more of these have come by now
    of_labels = {name for name, metric in METRICS.items() if metric.needs_labels}
    verdicts = [verdict for verdict in store.verdicts(of) if verdict.metric not in of_labels]
    return verdicts, store.metric_values(of), store.checks(of), alerts


def stale(run: Run) -> dict[int, list[int]]:
    found = stale_days(run, FIRST, partition(DAYS).day)
    return {(day - FIRST).days: [(other - FIRST).days for other in days] for day, days in found.items()}


def test_nothing_is_stale_while_nothing_is_redone(run):
    evaluate_day(run, partition(REDONE))

    assert stale(run) == {}


def test_days_that_rest_on_a_redone_one_say_so(run, archive):
    before = [said(run, offset) for offset in range(DAYS)]
    write_pages(run, [partition(REDONE - 1), partition(DAYS - 1)])
    write_late_rows(archive)
    run_partition(run, partition(REDONE))

    assert stale(run) == {day: [REDONE] for day in range(REDONE + 1, DAYS)}
    assert [said(run, offset) for offset in range(DAYS) if offset != REDONE] == [
        day for offset, day in enumerate(before) if offset != REDONE
    ]
    reports = Path(run.workspace) / "reports" / "loans"
    assert "rerun since: 2026-03-04." in (reports / partition(DAYS - 1).key / "report.html").read_text()
    assert "rerun since" not in (reports / partition(REDONE - 1).key / "report.html").read_text()
    assert (reports / "index.html").read_text().count(">stale<") == DAYS - REDONE - 1


def test_days_that_rest_on_a_redone_one_of_long_before_them_say_so(run, archive):
    write_late_rows(archive)
    evaluate_day(run, partition(REDONE))
    history = run.spec.history.model_copy(update={"days": 2})
    of_two_days = replace(run, spec=run.spec.model_copy(update={"history": history}))

    found = stale_days(of_two_days, partition(REDONE + 3).day, partition(DAYS).day)

    assert found == {partition(offset).day: [partition(REDONE).day] for offset in range(REDONE + 3, DAYS)}


def test_evaluated_again_they_are_as_if_the_rows_had_always_been_there(run, archive, tmp_path):
    write_late_rows(archive)
    evaluate_day(run, partition(REDONE))
    for file in Path(run.workspace).rglob("curated.parquet"):
        file.unlink()

    outcomes = [day.outcome for day in reevaluate(run, partition(0).day, partition(DAYS - 1).day)]

    assert outcomes == [Outcome.EVALUATED] * DAYS
    assert stale(run) == {}
    with opened(tmp_path / "afresh", archive, BASELINE) as afresh:
        for offset in range(DAYS):
            evaluate_day(afresh, partition(offset))
        for offset in range(DAYS):
            assert said(run, offset) == said(afresh, offset)


def test_command_says_what_became_of_each_day(run, archive, tmp_path, monkeypatch, capsys):
    (tmp_path / "loans.yaml").write_text(archive.spec_text(BASELINE))
    write_late_rows(archive)
    evaluate_day(run, partition(REDONE))
    monkeypatch.setenv("AIRFLOW__MLMON__STORE", f"sqlite:///{tmp_path / 'store.db'}")
    monkeypatch.setenv("AIRFLOW__MLMON__WORKSPACE", run.workspace)
    spec = str(tmp_path / "loans.yaml")

    code = main(["evaluate", spec, "--from", partition(DAYS - 1).key, "--to", partition(DAYS).key, "--json"])

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert code == 1
    assert [line["outcome"] for line in lines] == ["evaluated again", "was never evaluated"]
    assert stale(run) == {day: [REDONE] for day in range(REDONE + 1, DAYS - 1)}


def test_day_of_the_reference_is_not_stale_on_itself(tmp_path):
    archive = local_archive(tmp_path, 0)
    with opened(tmp_path, archive) as run:
        own = partition(-3)
        archive.write(archive.predictions_uri(own.day, "_SUCCESS"), b"")
        run_partition(run, own)

        assert run.store.state(own).status is Status.NO_DATA
        assert stale_days(run, own.day, own.day) == {}
