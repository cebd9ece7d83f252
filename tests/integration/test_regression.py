"""A regression from its archive to pages, alerts, store, slices, windows, versions, and the past done again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import MetricValue, VerdictState
from tests.support.archive import FIRST
from tests.support.durations import MODEL, SD, DurationArchive, duration_day, duration_table, opened_durations
from tests.support.nightly_model import evaluate_day

DAYS, BIASED = 6, 4
BIAS = 0.8 * SD
LAST = FIRST + timedelta(days=DAYS - 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("durations")
    archive = DurationArchive(folder / "archive")
    archive.write_reference()
    for offset in range(DAYS):
        archive.write_day(offset, bias=BIAS if offset == BIASED else 0.0, version="v2" if offset == DAYS - 1 else "v1")
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
