"""A regression from its archive to pages, alerts, store, slices, windows, versions, and the past done again."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from airflow_mlmon.cli.main import main
from airflow_mlmon.comparison.slice import SliceState
from airflow_mlmon.pipeline.druid.content import make_input, places_of
from airflow_mlmon.pipeline.history.reevaluate import Outcome, reevaluate
from airflow_mlmon.pipeline.history.reprofile import Carried, reprofile
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.pages.pages import day_page
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.slices.slices import slice_window
from airflow_mlmon.records import MetricValue, VerdictState
from tests.support.archive import FIRST
from tests.support.durations import MODEL, SD, duration_archive, duration_day, duration_table, opened_durations
from tests.support.nightly_model import evaluate_day

DAYS, BIASED = 8, 4
BIAS = 0.8 * SD
LAST = FIRST + timedelta(days=DAYS - 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("durations")
    archive = duration_archive(folder / "archive")
    archive.write_reference()
    for offset in range(DAYS):
        archive.write_day(offset, bias=BIAS if offset == BIASED else 0.0, version="v2" if offset > BIASED else "v1")
    return folder


@pytest.fixture(scope="module")
def run(folder):
    with opened_durations(folder) as run:
        for offset in range(DAYS - 1):
            evaluate_day(run, duration_day(offset))
        run_partition(run, duration_day(DAYS - 1))
        yield run


def metrics(run: Run, offset: int) -> dict[str, MetricValue]:
    return {value.metric: value for value in run.store.metric_values(duration_day(offset)) if value.segment is None}


def test_metrics_of_a_day_are_those_of_its_rows(run):
    frame = duration_table(duration_day(1).day).to_pandas().dropna()
    residual = frame["minutes"] - frame["took"]

    found = metrics(run, 1)

    assert found["mean_error"].value == pytest.approx(residual.mean(), abs=1e-6)
    assert found["rmse"].value == pytest.approx(np.sqrt((residual**2).mean()), rel=1e-6)
    assert (
        found["interval_coverage"].value
        == ((frame["shortest"] <= frame["took"]) & (frame["took"] <= frame["longest"])).mean()
    )
    assert found["interval_width"].value == pytest.approx(2 * 1.645 * SD, rel=1e-6)
    assert found["mean_error"].low < residual.mean() < found["mean_error"].high
    assert found["r2"].constant == pytest.approx(0, abs=0.05)


def test_mean_absolute_error_is_estimated_before_its_labels_come(run):
    healthy = [metrics(run, offset) for offset in range(DAYS - 1) if offset != BIASED]
    gaps = [found["estimation_gap"] for found in healthy]
    assert [gap.value for gap in gaps] == pytest.approx(
        [found["estimated_mae"].value - found["mae"].value for found in healthy]
    )
    # in standard errors, of which the intervals have 1.96
    errors = [gap.value / ((gap.high - gap.low) / 3.92) for gap in gaps]
    assert max(map(abs, errors)) < 3
    assert np.mean(np.abs(errors)) < 1.5
    biased, last = metrics(run, BIASED), metrics(run, DAYS - 1)
    verdicts = {verdict.metric: verdict for verdict in run.store.verdicts(duration_day(BIASED)) if not verdict.segment}

    assert biased["mae"].value > biased["estimated_mae"].high
    assert verdicts["estimation_gap"].state is VerdictState.BREACH
    assert biased["concept_shift"].low > 0
    assert last["mae"].value is None
    assert last["estimated_mae"].value is not None


def test_a_bias_is_found_and_no_other_day_alerts(run):
    alerts = {(alert.partition.day, alert.metric) for alert in run.store.alerts(MODEL, FIRST, LAST)}

    biased = duration_day(BIASED).day
    assert (biased, "mean_error") in alerts
    assert {day for day, _ in alerts} == {biased}
    verdicts = {verdict.metric: verdict for verdict in run.store.verdicts(duration_day(BIASED)) if not verdict.segment}
    assert verdicts["mean_error"].state is VerdictState.BREACH
    # in units of the residual's standard deviation
    residual = duration_table(FIRST, 4_000).to_pandas().dropna()
    assert verdicts["mean_error"].effect == pytest.approx(
        BIAS / (residual["minutes"] - residual["took"]).std(), abs=0.15
    )


@pytest.fixture
def mlmon(run, folder, capsys):
    """Call the command line on the model of these days."""

    def call(*arguments: str) -> Any:
        first, *rest = arguments
        words = first.split()
        places = ["--store", f"sqlite:///{folder / 'store.db'}", "--workspace", str(folder / "workspace")]
        main([*words, str(folder / f"{MODEL}.yaml"), *rest, *places])
        return capsys.readouterr().out

    return call


DAYS_GIVEN = ("--from", str(FIRST), "--to", str(LAST))


def test_worst_slice_is_that_of_the_largest_errors(run, mlmon):
    worst = slice_window(run, ["courier"], FIRST, LAST).slices[0]

    assert (worst.name, worst.state) == ("courier=drone", SliceState.LOSS)
    assert worst.against_rest.p_value < 1e-9
    assert worst.against_rest.low > 3
    assert "higher MAE" in mlmon("slice", "--by", "courier", *DAYS_GIVEN)


def test_version_is_compared_with_the_one_it_replaces(run):
    page = day_page(run, duration_day(DAYS - 1))

    [challenge] = page.versions.challenges
    found = {difference.metric: difference for difference in challenge.differences}
    assert (challenge.champion, challenge.challenger) == ("v1", "v2")
    assert all(found[metric].low is not None for metric in ("prediction_mean", "mean_error", "mae", "rmse"))
    assert found["mae"].low < found["mae"].difference < found["mae"].high


def test_page_shows_the_residual_by_decile(run):
    [table] = day_page(run, duration_day(BIASED)).tables

    assert table.table.title == "Residual by decile of the prediction"
    assert all(point.value > point.expected for point in table.table.points)


def test_metrics_are_content_of_druid(run):
    place = places_of(run, [duration_day(1)])["durations_metrics 2026-03-02"]

    with make_input(run, place) as made:
        rows = gzip.decompress(made.files[0].read_bytes()).decode()

    assert '"metric":"mean_error"' in rows
    assert '"metric":"interval_coverage"' in rows


def test_windows_and_calibration_know_the_model(mlmon):
    first = json.loads(mlmon("drift", *DAYS_GIVEN, "--window", "6d", "--json").splitlines()[0])
    replayed = mlmon("calibrate", *DAYS_GIVEN)

    assert {"minutes", "shortest", "ninth"} <= {column["column"] for column in first["columns"]}
    assert str(duration_day(BIASED).day) in replayed
    assert "mean_error" in mlmon("calibrate", *DAYS_GIVEN, "--rate", "0.05", "--json")
    assert replayed.count("new alerts on 1 of 8 days") == 3


def test_days_evaluated_and_profiled_again_are_the_same(run):
    before = said(run)

    again = reevaluate(run, duration_day(BIASED).day, duration_day(BIASED + 1).day)
    assert [day.outcome for day in again] == [Outcome.EVALUATED] * 2
    assert said(run) == before


def test_accepted_baseline_and_new_schema_carry_on(folder, run, mlmon):
    # the last test, because it changes what the others look at
    assert "From 2026-03-09 on, durations is compared with the trailing 4 days." in mlmon(
        "baseline accept", "--trailing", "4", "--why", "a test"
    )
    duration_archive(folder / "archive").write_reference(rows=450)
    with opened_durations(folder, ("\nhistory:", "\ndrift: {method: jensenshannon}\nhistory:")) as changed:
        biased = duration_day(BIASED).day
        assert [found.state for found in reprofile(changed, biased, biased)] == [Carried.CARRIED]
        [table] = day_page(changed, duration_day(BIASED)).tables
        [worst, *_] = slice_window(changed, ["courier"], biased, biased).slices

    assert worst.name == "courier=drone"
    assert sum(row[1] for row in table.table.rows) == 380


def said(run: Run) -> list[object]:
    days = [duration_day(offset) for offset in range(1, DAYS - 1)]
    return [run.store.metric_values(day) for day in days] + [run.store.alerts(MODEL, FIRST, LAST)]
