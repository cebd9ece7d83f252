"""Archives as other systems lay them out: what of a day's folder is read, and what is said of the rest."""

from __future__ import annotations

import json
import os
import uuid
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.archive.layouts.layout import list_day
from airflow_mlmon.archive.layouts.readiness import explain_unready
from airflow_mlmon.cli.main import main
from airflow_mlmon.loading import load_spec
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.prepare import Prepared, prepare_partition
from airflow_mlmon.pipeline.workspace.curated import read_curated
from airflow_mlmon.pipeline.workspace.partition_files import MANIFEST
from airflow_mlmon.records import Status
from airflow_mlmon.storage import Storage
from airflow_mlmon.storage.local import LocalStore
from airflow_mlmon.tables.files import find_files
from tests.support.archive import replace_columns, to_bytes
from tests.support.base_day import FIRST, LABELS, ROWS, BaseArchive, day_of, day_table, labels_of, run_day
from tests.support.runs import s3_writer

VERSION = "  columns:\n    model_version: {type: category, role: version}"


@pytest.fixture
def archive(tmp_path: Path) -> BaseArchive:
    return BaseArchive(tmp_path)


class Bucket:
    """Predictions in a bucket; the rest of the archive is in the folder."""

    def __init__(self, client: Any, archive: BaseArchive) -> None:
        self.name = f"preds-{uuid.uuid4().hex[:12]}"
        self.archive = archive
        self._client = client
        self._client.create_bucket(Bucket=self.name)

    def write(self, key: str, content: pa.Table | bytes) -> None:
        data = content if isinstance(content, bytes) else to_bytes(content)
        s3_writer(self._client)(f"s3://{self.name}/{key}", data)

    def opened(self, path: str = "preds/dt={date}/", *replacements: tuple[str, str]) -> Any:
        own = (f"{self.archive.root}/preds/dt={{date}}/", f"s3://{self.name}/{path}")
        return self.archive.opened(own, *replacements, storage=Storage(lambda _: self._client))


@pytest.fixture
def bucket(moto, archive) -> Bucket:
    return Bucket(moto.client(), archive)


def prepare(run: Run, day: date = FIRST) -> Prepared:
    return prepare_partition(run, Partition.of_day("m", day))


def outcome(done: Prepared) -> tuple[Status, int, str]:
    return done.status, done.rows_accepted, done.message


def manifest_of(run: Run, done: Prepared) -> dict[str, Any]:
    return json.loads(run.files.read(run.version_uri(done.partition, done.version, MANIFEST)))


def passed_over(run: Run, done: Prepared) -> dict[str, str]:
    found = manifest_of(run, done)["passed_over"]
    return {one["uri"].partition(f"dt={done.partition.key}/")[2]: one["reason"] for one in found}


def curated_of(run: Run, done: Prepared) -> pa.Table:
    return read_curated(run, done.partition, done.version)


def test_files_of_an_unfinished_spark_job_and_of_a_delta_log_are_no_rows(archive):
    """apache/spark PR #1924, delta-io/delta #5458: leftovers of a job that was killed were read as data."""
    table = day_table(FIRST)
    archive.write_day(FIRST, table)
    new = replace_columns(table, id=[f"new-{n}" for n in range(ROWS)])
    leftover = pa.concat_tables([table.slice(0, 100), new.slice(0, 50)])
    archive.write_day(FIRST, leftover, "_temporary/0/_temporary/attempt_1/part-1.parquet")
    archive.write_day(FIRST, leftover, ".spark-staging-1/part-1.parquet")
    archive.write_day(FIRST, pa.table({"add": [{"path": "x"}]}), "_delta_log/00000000000000000010.checkpoint.parquet")
    archive.write(f"preds/dt={FIRST}/_delta_log/00000000000000000010.json", b"{}")

    with archive.opened() as run:
        done = prepare(run)

        assert outcome(done) == (Status.OK, ROWS, "")
        assert len(passed_over(run, done)) == 4


def test_two_files_that_contradict_each_other_are_no_silence(archive):
    """aloneguid/parquet-dotnet #149: obsolete files of a table were read beside those that replace them."""
    table = day_table(FIRST)
    archive.write_day(FIRST, replace_columns(table, score=np.full(ROWS, 0.99)), "part-0.parquet")
    archive.write_day(FIRST, table, "part-1.parquet")

    with archive.opened() as run:
        assert outcome(prepare(run)) == (Status.PARTIAL, ROWS, f"{ROWS} rows: id is a duplicate with other values")


@pytest.mark.service
def test_markers_of_folders_and_sidecars_are_no_data_and_no_alarm(bucket):
    """prestodb/presto PR #16743, Alluxio/alluxio #8602: empty markers of folders were no valid Parquet."""
    sidecars = {
        FIRST: ("hour=00_$folder$", ""),
        day_of(1): ("manifest", json.dumps({"entries": []})),
        day_of(2): ("hour=00/part.parquet.md5", "0" * 32),
    }
    with bucket.opened() as run:
        for day, (name, content) in sidecars.items():
            bucket.write(f"preds/dt={day}/hour=00/part.parquet", day_table(day))
            bucket.write(f"preds/dt={day}/{name}", content.encode())
            done = prepare(run, day)

            assert outcome(done) == (Status.OK, ROWS, "")
            assert list(passed_over(run, done)) == [name]


@pytest.mark.service
def test_an_empty_object_that_stands_for_a_folder_is_no_file_but_an_empty_file_is(bucket):
    """pandas-dev/pandas #55230: reading failed where an object was named as the folder."""
    for key in ("preds/", f"preds/dt={FIRST}/", f"preds/dt={day_of(1)}/"):
        bucket.write(key, b"")
    bucket.write(f"preds/dt={FIRST}/part-0.parquet", day_table(FIRST))
    bucket.write(f"preds/dt={day_of(1)}/part-0.parquet", day_table(day_of(1)))
    bucket.write(f"preds/dt={day_of(1)}/part-1.parquet", b"")

    with bucket.opened() as run:
        first, second = prepare(run), prepare(run, day_of(1))

        assert outcome(first) == (Status.OK, ROWS, "")
        assert passed_over(run, first) == {"": "is a folder"}
        assert (second.status, second.rows_accepted) == (Status.PARTIAL, ROWS)
        assert second.message.startswith("part-1.parquet: not a readable Parquet file")


@pytest.mark.service
def test_a_comparison_passes_over_folders_and_leftovers_too(bucket):
    """pandas-dev/pandas #55230, apache/spark PR #1924: the same where two sets are compared."""
    for key in ("cur/", "cur/x.parquet/", "cur/x.parquet_$folder$"):
        bucket.write(key, b"")
    for key in ("cur/x.parquet", "cur/_temporary/0/y.parquet", "cur/.ipynb_checkpoints/x-checkpoint.csv"):
        bucket.write(key, day_table(FIRST))

    with bucket.opened() as run:
        assert find_files(f"s3://{bucket.name}/cur/", run.storage) == [f"s3://{bucket.name}/cur/x.parquet"]


def test_a_column_that_is_only_in_the_path_has_the_value_of_its_folder(archive):
    """delta-io/delta-rs PR #215, apache/arrow #41779: columns of the path came out null."""
    table = day_table(FIRST)
    for number, version in enumerate(("v1", "v2", "__HIVE_DEFAULT_PARTITION__")):
        part = table.slice(number * 60, 60)
        archive.write_day(FIRST, part, f"model_version={version}/part-0.parquet")

    with archive.opened(("  columns:", VERSION)) as run:
        done = prepare(run)
        versions = curated_of(run, done).column("model_version").to_pylist()

        assert outcome(done) == (Status.OK, 180, "")
        assert {version: versions.count(version) for version in set(versions)} == {"v1": 60, "v2": 60, None: 60}


def test_a_column_in_the_file_contradicts_the_path_and_that_is_told(archive):
    """apache/arrow #47592: a column that is in the file and in its path."""
    own = day_table(FIRST).append_column("model_version", pa.array(["v2"] * 50 + ["v1"] * 150))
    archive.write_day(FIRST, own, "model_version=v1/part-0.parquet")

    with archive.opened(("  columns:", VERSION)) as run:
        done = prepare(run)

        assert curated_of(run, done).column("model_version").to_pylist() == own.column("model_version").to_pylist()
        [file] = manifest_of(run, done)["files"]
        told = "column 'model_version' is in the file and, as 'v1', in its path: the file's values count"
        assert file["notes"] == [told]


@pytest.mark.service
def test_a_part_of_the_path_before_the_day_is_a_column(bucket):
    table = day_table(FIRST)
    bucket.write(f"eu/dt={FIRST}/part-0.parquet", table.slice(0, 80))
    bucket.write(f"us/dt={FIRST}/part-0.parquet", table.slice(80))
    region = ("  columns:", "  columns:\n    region: {type: category}")
    bucket.archive.write(
        "reference/part-0.parquet", day_table(FIRST, 400).append_column("region", pa.array(["eu", "us"] * 200))
    )

    with bucket.opened("{region}/dt={date}/", region) as run:
        done = prepare(run)

        assert outcome(done) == (Status.OK, ROWS, "")
        assert curated_of(run, done).column("region").to_pylist() == ["eu"] * 80 + ["us"] * 120


def test_one_file_a_day_of_predictions_and_labels_and_one_file_of_the_reference(tmp_path):
    """pandas-dev/pandas #28490: a file was taken for a folder in S3."""
    archive = BaseArchive(tmp_path, labels=LABELS.replace("labels/dt={{date}}/", "l/{{date}}.parquet"))
    root = archive.root
    archive.write(f"preds/{FIRST}.parquet", day_table(FIRST))
    archive.write(f"preds/{day_of(1)}.parquet", day_table(day_of(1)))
    archive.write(f"l/{day_of(1)}.parquet", labels_of(day_table(FIRST)))

    with archive.opened(
        (f"{root}/preds/dt={{date}}/", f"{root}/preds/{{date}}.parquet"),
        (f"{root}/reference/", f"{root}/reference/part-0.parquet"),
    ) as run:
        first, second = run_day(run, FIRST), run_day(run, day_of(1))

        assert [(one.status, one.rows_accepted, one.message) for one in (first, second)] == [(Status.OK, ROWS, "")] * 2
        assert run.store.metrics("m", FIRST, FIRST)[FIRST, "accuracy", None] == 1.0


@pytest.mark.service
def test_folders_of_hours_are_one_day_and_an_hour_without_files_is_told(bucket):
    table = day_table(FIRST, 216)
    for hour in (hour for hour in range(24) if hour != 7):
        bucket.write(f"preds/2026/03/01/{hour:02d}/fraud-1-{hour}.parquet", table.slice(hour * 9, 9))

    with bucket.opened("preds/{year}/{month}/{day}/{hour}/") as run:
        done = prepare(run)

        assert (done.status, done.rows_accepted) == (Status.OK, 207)
        assert done.message == f"no files in the hour of s3://{bucket.name}/preds/2026/03/01/07/"


@pytest.mark.parametrize("place", ["archive", "bucket"])
@pytest.mark.service
def test_a_marker_is_looked_for_in_the_day_s_own_folder_in_every_store(place, request):
    """mozilla/telemetry-airflow #404, apache/spark PR #35254 and #47439: markers of hours, of the table, or none."""
    store = request.getfixturevalue(place)
    ready = ("  columns:", "  ready: .done\n  columns:")
    store.write(f"preds/dt={FIRST}/hour=00/part.parquet", day_table(FIRST))
    store.write(f"preds/dt={FIRST}/hour=00/.done", b"")
    with store.opened(*(("preds/dt={date}/",) if place == "bucket" else ()), ready) as run:
        day = Partition.of_day("m", FIRST)
        unready = explain_unready(run.archive, run.spec.predictions, day)
        done = prepare(run)
        store.write(f"preds/dt={FIRST}/.done", b"")

        assert unready == f"no .done in {run.predictions_folder(day)}"
        assert (done.status, done.message) == (Status.OK, f"the day was not marked as complete: {unready}")
        assert explain_unready(run.archive, run.spec.predictions, day) == ""
        assert outcome(prepare(run)) == (Status.OK, ROWS, "")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("preds/2026/03/{day:02d}/05/fraud-1-2026-03-{day:02d}-05-02-32-ab12.parquet", "preds/{year}/{month}/{day}/"),
        ("preds/dt=202603{day:02d}/part-0.parquet", "preds/dt={year}{month}{day}/"),
        ("preds/2026/3/{day}/part-0.parquet", "preds/{year}/{month}/{day}/"),
        ("preds/2026-03-{day:02d}.parquet", "preds/{date}.parquet"),
    ],
)
def test_a_draft_has_the_path_of_the_sample_and_its_days_are_read_by_it(archive, monkeypatch, name, path):
    """localstack/localstack #1554: how Firehose lays out its objects."""
    for offset in range(3):
        archive.write(name.format(day=1 + offset), day_table(day_of(offset)))
    monkeypatch.chdir(archive.root)

    assert main(["init", "preds/", "--output", "m.yaml"]) == 0

    spec = load_spec("m.yaml")
    assert (spec.predictions.path, spec.start) == (f"{archive.root}/{path}".rstrip("/"), FIRST)
    assert spec.reference.path == f"{archive.root}/reference"
    for offset in range(3):
        listed = list_day(LocalStore(), spec.predictions, Partition.of_day("m", day_of(offset)))
        assert [file.item.uri for file in listed.files] == [f"{archive.root}/{name.format(day=1 + offset)}"]


def written(path: Path, moment: datetime) -> None:
    os.utime(path, (moment.timestamp(), moment.timestamp()))


def test_rows_of_files_without_a_date_are_each_curated_on_their_own_day(archive):
    rows = pa.concat_tables([day_table(day_of(offset), 216) for offset in range(3)])
    # a file every ten hours, with the rows since the one before
    for start in range(0, rows.num_rows, 90):
        part = rows.slice(start, 90)
        last = part.column("at")[-1].as_py()
        written(archive.write(f"preds/stream-{start:04d}.parquet", part), last + timedelta(minutes=5))
    keys = "  dates: event\n  written_within_hours: 11\n  columns:"

    with archive.opened(("preds/dt={date}/", "preds/"), ("  columns:", keys)) as run:
        days = [prepare(run, day_of(offset)) for offset in range(3)]
        ids = [curated_of(run, done).column("id").to_pylist() for done in days]

        assert [outcome(done) for done in days] == [(Status.OK, 216, "")] * 3
        assert sorted(one for own in ids for one in own) == sorted(rows.column("id").to_pylist())


def test_files_without_a_date_belong_to_the_day_on_which_they_were_written(archive):
    for offset in range(2):
        path = archive.write(f"preds/job-{offset}.parquet", day_table(day_of(offset)))
        written(path, datetime.combine(day_of(offset + 1), time(hour=2), UTC))
    keys = "  dates: modified\n  written_within_hours: 6\n  columns:"

    with archive.opened(("preds/dt={date}/", "preds/"), ("  columns:", keys)) as run:
        assert [outcome(prepare(run, day_of(offset))) for offset in range(2)] == [(Status.OK, ROWS, "")] * 2


def test_several_folders_of_a_day_are_one_day(archive):
    table = day_table(FIRST)
    archive.write(f"v1/{FIRST}.parquet", table.slice(0, 120))
    archive.write(f"v2/dt={FIRST}/part-0.parquet", table.slice(120))
    root = archive.root
    paths = f"path:\n  - {root}/v1/{{date}}.parquet\n  - {root}/v2/dt={{date}}/"

    with archive.opened((f"path: {root}/preds/dt={{date}}/", paths)) as run:
        assert outcome(prepare(run)) == (Status.OK, ROWS, "")
        assert prepare(run, day_of(1)).message == (
            f"No files under {root}/v1/{day_of(1)}.parquet … {root}/v2/dt={day_of(1)}/ (0 objects listed). "
            "If the day's folder is named otherwise, change predictions.path."
        )
