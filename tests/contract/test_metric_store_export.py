"""Export of metrics as Parquet, from every database."""

from __future__ import annotations

from datetime import date

import pyarrow.parquet as pq
import pytest

from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.history.export import COLUMNS, export_metrics
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.storage import Storage
from tests.support.profiles import make_spec
from tests.support.published import metric, partition_state, results, verdict

SPEC = make_spec(x={"type": "float"})
DAYS = (date(2013, 2, 28), date(2013, 3, 1), date(2013, 3, 8))


@pytest.fixture
def run(store, tmp_path):
    for day in DAYS:
        of = Partition.of_day(SPEC.model, day)
        found = tuple(metric("null_rate", number / 10, column=f"x{number}") for number in range(day.day))
        item = results(
            of, metrics=(metric("rows", 9.0), *found), verdicts=(verdict("rows", column=None, segment=None),)
        )
        store.publish(partition_state(of), [item], supersedes=None)
    return Run(spec=SPEC, storage=Storage(), store=store, workspace=str(tmp_path / "workspace"))


def test_a_file_for_each_month_holds_every_metric_with_its_verdict(run, tmp_path, monkeypatch):
    monkeypatch.setattr("airflow_mlmon.pipeline.history.export._BATCH", 3)

    exported = export_metrics(run, str(tmp_path / "out"))

    tables = [pq.read_table(one.uri) for one in exported]
    assert [one.uri.rpartition("/")[2] for one in exported] == ["2013-02.parquet", "2013-03.parquet"]
    assert [table.schema for table in tables] == [COLUMNS, COLUMNS]
    assert [table.num_rows for table in tables] == [one.rows for one in exported] == [29, 2 + 1 + 8]
    [first] = [row for row in tables[0].to_pylist() if row["metric"] == "rows"]
    assert (first["model"], first["day"], first["value"], first["state"]) == (SPEC.model, DAYS[0], 9.0, "BREACH")


def test_a_month_is_written_as_a_whole_and_again_in_its_place(run, tmp_path):
    folder = str(tmp_path / "out")
    [first] = export_metrics(run, folder, DAYS[2], DAYS[2])
    again = export_metrics(run, folder, DAYS[1], DAYS[2])

    assert again == [first]
    assert sorted(set(pq.read_table(first.uri)["day"].to_pylist())) == list(DAYS[1:])


def test_months_without_a_day_are_refused(run, tmp_path):
    with pytest.raises(NotFoundError, match="No day"):
        export_metrics(run, str(tmp_path), date(2014, 1, 1))
