"""A night whose columns are measured by methods of their own, of all rows or of a sample."""

from __future__ import annotations

import pytest

from airflow_mlmon.drift.compare import DriftState
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.drift import read_drift
from airflow_mlmon.pipeline.night import run_night
from tests.support.archive import FIRST
from tests.support.runs import local_archive, opened

METHODS = """drift:
  method: jensenshannon
  columns:
    amount: {method: anderson}
    term: {method: t_test}
    channel: {method: chisquare}
"""


def test_each_column_is_measured_as_the_spec_says(tmp_path):
    archive = local_archive(tmp_path, 2)
    partition = Partition.of_day("loans", FIRST)
    with opened(tmp_path, archive, ("alerts:", f"{METHODS}alerts:")) as run:
        run_night(run, partition)
        found = {column.column: column for column in read_drift(run, partition, run.store.night(partition).version)}

    chosen = {name: column.method for name, column in found.items()}
    assert chosen | {"amount": "anderson", "term": "t_test", "channel": "chisquare", "score": "jensenshannon"} == chosen
    assert found["amount"].note.startswith("p-value by evidently's anderson on samples of 74 and ")
    assert found["amount"].state is not DriftState.INSUFFICIENT_DATA
    assert found["term"].limit is not None


def test_method_of_an_unknown_column_names_the_nearest(tmp_path):
    archive = local_archive(tmp_path, 1)

    drift = "drift: {columns: {amuont: {method: ks}}}\n"
    with (
        pytest.raises(ConfigError, match=r"drift\.columns: 'amuont' is unknown; did you mean amount"),
        opened(tmp_path, archive, ("alerts:", f"{drift}alerts:")),
    ):
        pass
