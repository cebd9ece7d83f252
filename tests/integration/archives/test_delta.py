"""Predictions, labels and the reference in Delta tables: what the log has removed is never read."""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import write_deltalake

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.pipeline.steps.prepare import Prepared, prepare_partition
from airflow_mlmon.pipeline.workspace.curated import curated_uri
from airflow_mlmon.pipeline.workspace.partition_files import MANIFEST, read_workspace_table
from airflow_mlmon.pipeline.workspace.reference_rows import read_reference
from airflow_mlmon.records import Status
from airflow_mlmon.storage import Storage
from tests.support.base_day import FIRST, LABELS, ROWS, BaseArchive, day_of, day_table, labels_of
from tests.support.runs import s3_writer

OF_TABLE = ("/preds/dt={date}/", "/preds/\n  format: delta")


def with_day(table: pa.Table, day: date) -> pa.Table:
    return table.append_column("day", pa.array([day] * table.num_rows))


def append(archive: BaseArchive, name: str, table: pa.Table, **options: Any) -> str:
    path = f"{archive.root}/{name}"
    write_deltalake(path, table, **{"mode": "append"} | options)
    return path


def prepared(archive: BaseArchive, day: date = FIRST, *replacements: tuple[str, str]) -> tuple[Prepared, pa.Table, str]:
    with archive.opened(*replacements) as run:
        partition = run.partition(day)
        found = prepare_partition(run, partition)
        rows = read_workspace_table(run, curated_uri(run, partition, found.version))
        return found, rows, run.files.read(run.version_uri(partition, found.version, MANIFEST)).decode()


@pytest.fixture
def archive(tmp_path):
    archive = BaseArchive(tmp_path, OF_TABLE, labels=LABELS)
    for offset in range(2):
        day = day_of(offset)
        append(archive, "preds", with_day(day_table(day), day), partition_by=["day"])
    return archive


def test_rows_that_were_overwritten_are_not_read_again(archive):
    rows = day_table(FIRST)
    other = rows.set_column(4, "score", pc.subtract(1.0, rows.column("score")))
    append(archive, "preds", with_day(other, FIRST), mode="overwrite", predicate=f"day = '{FIRST}'")

    found, curated, manifest = prepared(archive)

    assert (found.status, found.message, found.rows_read) == (Status.OK, "", ROWS)
    assert sorted(curated.column("score").to_pylist()) == sorted(other.column("score").to_pylist())
    assert "is not live in the log of the table" in manifest


def test_a_file_of_many_days_gives_each_its_rows(tmp_path):
    archive = BaseArchive(tmp_path, OF_TABLE, ("  columns:\n", "  dates: event\n  columns:\n"))
    append(archive, "preds", pa.concat_tables(day_table(day_of(offset)) for offset in range(7)))

    for offset in (0, 3, 6):
        found, curated, _ = prepared(archive, day_of(offset))

        assert (found.status, found.rows_accepted, found.rows_handed_over) == (Status.OK, ROWS, 6 * ROWS)
        assert sorted(curated.column("id").to_pylist()) == day_table(day_of(offset)).column("id").to_pylist()


def test_partition_may_be_a_declared_column(archive):
    declared = ("    country:", "    day: {type: timestamp}\n    country:")

    found, curated, _ = prepared(archive, FIRST, declared, ("  columns:", "  timezone: UTC\n  columns:"))

    assert (found.status, found.message) == (Status.OK, "")
    assert {moment.date() for moment in curated.column("day").to_pylist()} == {FIRST}


def test_day_without_files_has_no_data(archive):
    assert prepared(archive, day_of(9))[0].status is Status.NO_DATA


def test_table_that_is_read_without_its_log_is_told(archive, tmp_path):
    plain = BaseArchive(tmp_path, ("/preds/dt={date}/", "/preds/day={{date}}/"))

    found, _, _ = prepared(plain)

    assert (found.status, found.rows_read) == (Status.OK, ROWS)
    assert "preds is a Delta table, whose removed files are read too: set the format to delta" in found.message


def test_growing_table_of_labels_is_read_by_its_log(archive):
    rows = labels_of(day_table(FIRST))
    stamped = rows.append_column("filed", day_table(FIRST).column("at"))
    wrong = stamped.set_column(1, "fraud", pc.invert(stamped.column("fraud")))
    append(archive, "labels", wrong)
    append(archive, "labels", stamped, mode="overwrite")
    growing = (f"{archive.root}/labels/dt={{date}}/", f"{archive.root}/labels/\n  format: delta\n  watermark: filed")

    found, _, _ = prepared(archive, FIRST, growing)

    assert (found.status, found.labels_delivered) == (Status.OK, ROWS)
    assert "contradict" not in found.message


def test_reference_is_read_by_its_log(archive):
    past = pa.concat_tables([day_table(day_of(-back)) for back in range(1, 4)])
    append(archive, "past", day_table(day_of(-9)))
    append(archive, "past", past, mode="overwrite")

    with archive.opened((f"{archive.root}/reference/", f"{archive.root}/past/\n  format: delta")) as run:
        assert read_reference(run).rows.num_rows == past.num_rows


def test_path_with_placeholders_is_refused_for_a_table(archive):
    with pytest.raises(ConfigError, match="without placeholders: its log tells the day"):
        parse_spec(archive.spec_text.replace("/preds/", "/preds/day={date}/", 1), "m.yaml")


def test_labels_and_reference_that_are_read_without_their_log_are_told(archive):
    stamped = labels_of(day_table(FIRST)).append_column("filed", day_table(FIRST).column("at"))
    append(archive, "labels", stamped)
    append(archive, "past", day_table(day_of(-1)))
    growing = (f"{archive.root}/labels/dt={{date}}/", f"{archive.root}/labels/\n  watermark: filed")

    with archive.opened(growing, (f"{archive.root}/reference/", f"{archive.root}/past/")) as run:
        found, told = prepare_partition(run, run.partition(FIRST)), read_reference(run).told

    assert f"labels: {archive.root}/labels is a Delta table, whose removed files are read too" in found.message
    assert told[-1].startswith(f"{archive.root}/past is a Delta table, whose removed files are read too")


@pytest.mark.service
def test_table_in_a_bucket_is_read_by_its_log(archive, moto):
    append(archive, "preds", with_day(day_table(FIRST, 50), FIRST), mode="overwrite", predicate=f"day = '{FIRST}'")
    client = moto.client()
    client.create_bucket(Bucket="delta-table")
    for file in (archive.root / "preds").rglob("*"):
        if file.is_file():
            s3_writer(client)(f"s3://delta-table/{file.relative_to(archive.root)}", file.read_bytes())

    remote = (f"{archive.root}/preds/", "s3://delta-table/preds/")
    with archive.opened(remote, storage=Storage(lambda _: client)) as run:
        found = prepare_partition(run, run.partition(FIRST))

    assert (found.status, found.message, found.rows_read) == (Status.OK, "", 50)
