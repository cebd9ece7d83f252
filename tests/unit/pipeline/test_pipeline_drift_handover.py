"""Between the tasks of a DAG the drift of a partition is a file that nothing writes over."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from airflow_mlmon.pipeline.steps.drift import PartitionDrift, keep_drift, read_drift
from airflow_mlmon.pipeline.steps.prepare import Prepared
from airflow_mlmon.records import DriftDetail, MultivariateDetail
from tests.support.published import arrival, baseline, metric, partition, partition_state
from tests.support.runs import local_archive, opened

SCORE = metric(
    "drift_score", 0.3, "wind", segment="origin=JFK", withheld="unknown",
    drift=DriftDetail(method="psi", baseline="the reference", rows_reference=9, note="n", mean_shift=0.5),
)  # fmt: skip
STRONGEST = (("wind", 0.1), ("a", 0.2))
TOGETHER = metric("multivariate_drift", 0.8, multivariate=MultivariateDetail(rows_reference=9, strongest=STRONGEST))
FOUND = PartitionDrift(metrics=(SCORE, TOGETHER, metric("drift_score", None, "temp")), baselines=(baseline(),))
PREPARED = Prepared.of_day(partition_state(arrival=arrival()))


@pytest.fixture
def run(tmp_path):
    with opened(tmp_path, local_archive(tmp_path, 0)) as run:
        yield run


def test_what_is_read_is_what_was_kept(run):
    assert read_drift(run, keep_drift(run, PREPARED, FOUND)) == FOUND


def test_another_outcome_is_another_file(run):
    first = keep_drift(run, PREPARED, FOUND)
    other = replace(FOUND, baselines=(baseline(days={date(2013, 3, 1): "z"}),))

    assert keep_drift(run, PREPARED, FOUND) == first != keep_drift(run, PREPARED, other)
    assert read_drift(run, first) == FOUND
    assert Path(first).parent == Path(run.version_uri(partition(), "v1", "any")).parent


def test_scores_are_those_of_all_rows():
    assert [value.column for value in FOUND.scores] == ["temp"]
