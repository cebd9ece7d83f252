"""A Delta table is read by its log: what is removed is never read, and what is not applied is refused."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

import airflow_mlmon
from airflow_mlmon.archive.drafting.sample import find_samples
from airflow_mlmon.archive.layouts.delta_log import find_table
from airflow_mlmon.archive.layouts.delta_table import list_table, list_table_day
from airflow_mlmon.errors import ConfigError, DataError, ServiceRejectedError
from airflow_mlmon.partition import Partition
from airflow_mlmon.storage import Storage
from airflow_mlmon.storage.local import LocalStore

STORE = LocalStore()
FIRST = Partition.of_day("m", date(2026, 3, 1))


def rows(start, day=1, region="x y"):
    ids = [f"id-{number}" for number in range(start, start + 10)]
    times = [datetime(2026, 3, day, hour, tzinfo=UTC) for hour in range(10)]
    return pa.table({"id": ids, "at": times, "day": [date(2026, 3, day)] * 10, "region": [region] * 10})


def ids_of(listed):
    return sorted(one for item, *_ in listed.files for one in pq.ParquetFile(item.uri).read().column("id").to_pylist())


def commit(root, number, *actions):
    log = Path(root) / "_delta_log" / f"{number:020d}.json"
    log.write_text("\n".join(json.dumps(action) for action in actions))


@pytest.fixture
def root(tmp_path):
    path = str(tmp_path / "table")
    write_deltalake(path, pa.concat_tables([rows(0), rows(50, 2)]), partition_by=["day", "region"])
    return path


def test_removed_files_are_never_listed(root):
    write_deltalake(root, rows(100), mode="overwrite", predicate="day = '2026-03-01'")
    DeltaTable(root).delete("id = 'id-109'")

    listed = list_table_day(STORE, root, FIRST)

    assert ids_of(listed) == [f"id-{number}" for number in range(100, 109)]
    assert [values for _, values in listed.files] == [{"day": "2026-03-01", "region": "x y"}]
    assert len(listed.beside) == 2
    assert ids_of(list_table(STORE, root)) == sorted([*ids_of(listed), *(f"id-{number}" for number in range(50, 60))])


def test_log_is_read_from_its_checkpoint(root):
    for number in range(3):
        write_deltalake(root, rows(200 + 10 * number), mode="append")
    table = DeltaTable(root)
    table.create_checkpoint()
    for number in range(3):
        (Path(root) / "_delta_log" / f"{number:020d}.json").unlink()
    write_deltalake(root, rows(300), mode="overwrite", predicate="day = '2026-03-01'")

    assert ids_of(list_table_day(STORE, root, FIRST)) == [f"id-{number}" for number in range(300, 310)]


def test_missing_value_of_a_partition_is_null(tmp_path):
    path = str(tmp_path / "table")
    write_deltalake(path, rows(0, region=None).cast(rows(0).schema), partition_by=["day", "region"])

    assert list_table_day(STORE, path, FIRST).files[0][1] == {"day": "2026-03-01", "region": None}


def test_day_of_a_table_without_a_partition_is_found_by_the_event_times(tmp_path):
    path = str(tmp_path / "table")
    for day in (1, 2, 3):
        write_deltalake(path, rows(100 * day, day), mode="append")

    with pytest.raises(ConfigError, match=r"not partitioned by day.*dates to event"):
        list_table_day(STORE, path, FIRST)
    found = list_table_day(STORE, path, Partition.of_day("m", date(2026, 3, 2)), time_column="at")
    assert ids_of(found) == [f"id-{number}" for number in range(200, 210)]


def test_day_without_files_is_empty(root):
    assert list_table_day(STORE, root, Partition.of_day("m", date(2026, 4, 1))).files == ()


def test_year_month_and_day_name_the_day(tmp_path):
    table = rows(0).append_column("year", pa.array([2026] * 10)).append_column("month", pa.array([3] * 10))
    table = table.set_column(2, "day", pa.array([1] * 10))
    write_deltalake(str(tmp_path / "table"), table, partition_by=["year", "month", "day"])

    assert len(list_table_day(STORE, str(tmp_path / "table"), FIRST).files) == 1


def test_file_of_the_log_that_is_gone_is_told(root):
    for item, _ in list_table_day(STORE, root, FIRST).files:
        Path(item.uri).unlink()

    with pytest.raises(DataError, match=r"is in the log of the Delta table .*, but not there"):
        list_table_day(STORE, root, FIRST)


@pytest.mark.parametrize(
    ("actions", "said"),
    [
        pytest.param(
            [
                {
                    "protocol": {
                        "minReaderVersion": 3,
                        "minWriterVersion": 7,
                        "readerFeatures": ["deletionVectors"],
                        "writerFeatures": ["deletionVectors"],
                    }
                },
                {
                    "add": {
                        "path": "day=2026-03-01/region=z/p.parquet",
                        "partitionValues": {"day": "2026-03-01", "region": "z"},
                        "size": 10,
                        "modificationTime": 1,
                        "dataChange": True,
                        "deletionVector": {
                            "storageType": "u",
                            "pathOrInlineDv": "vBn[lx{q8@P<9BNH/isA",
                            "offset": 1,
                            "sizeInBytes": 36,
                            "cardinality": 1,
                        },
                    }
                },
            ],
            "has deletion vectors",
            id="deletion-vectors",
        ),
        pytest.param(
            [
                {
                    "protocol": {
                        "minReaderVersion": 3,
                        "minWriterVersion": 7,
                        "readerFeatures": ["notYetKnown"],
                        "writerFeatures": ["notYetKnown"],
                    }
                }
            ],
            "cannot be read: .*notYetKnown",
            id="unknown-feature",
        ),
    ],
)
def test_features_that_are_not_applied_are_refused(root, actions, said):
    commit(root, 1, *actions)

    with pytest.raises((ConfigError, DataError), match=said):
        list_table_day(STORE, root, FIRST)


def test_mapped_columns_are_refused(tmp_path):
    path = str(tmp_path / "table")
    write_deltalake(path, rows(0), partition_by=["day"])
    log = Path(path) / "_delta_log" / f"{0:020d}.json"
    text = log.read_text().replace('"configuration":{}', '"configuration":{"delta.columnMapping.mode":"name"}')
    assert "columnMapping" in text
    log.write_text(text)

    with pytest.raises((ConfigError, DataError), match=r"maps the names of its columns"):
        list_table_day(STORE, path, FIRST)


def test_folder_without_a_log_is_no_table(tmp_path):
    with pytest.raises(ConfigError, match="has no _delta_log"):
        list_table_day(STORE, str(tmp_path), FIRST)


def test_table_above_a_dated_path_is_found(root):
    assert find_table(STORE, f"{root}/day={{date}}/") == root
    assert find_table(STORE, f"{root}/") == root
    assert find_table(STORE, f"{Path(root).parent}/other/day={{date}}/") is None


def test_folders_above_that_may_not_be_listed_hold_no_table(root):
    class OwnFolderStore(LocalStore):
        def list(self, folder):
            if "_delta_log" in folder:
                raise ServiceRejectedError("403")
            return super().list(folder)

    assert find_table(OwnFolderStore(), f"{root}/day={{date}}/") is None


def test_comparison_and_sample_of_a_table_read_its_live_files(root):
    write_deltalake(root, rows(100), mode="overwrite", predicate="day = '2026-03-01'")

    assert airflow_mlmon.profile(root).profile.rows == 20
    assert len(find_samples(Storage(), root)) == 2
