from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_mlmon.archive.curation.manifest import SourceFile
from airflow_mlmon.archive.curation.neighbours import Selection, divide_files, neighbours_of
from airflow_mlmon.partition import Partition

DAY = Partition.of_day("m", date(2026, 3, 2))
SELECTION = Selection(partition=DAY, time_column="at", reach=[])
LAST = DAY.end - timedelta(microseconds=1)
ZONED, NAIVE = pa.timestamp("us", "UTC"), pa.timestamp("us")


@pytest.mark.parametrize(
    ("times", "kind", "is_apart"),
    [
        pytest.param([DAY.end, DAY.end + timedelta(hours=1)], ZONED, True, id="after"),
        pytest.param([LAST, DAY.end], ZONED, False, id="last-moment"),
        pytest.param([DAY.start - timedelta(seconds=1)], ZONED, True, id="before"),
        pytest.param([DAY.start, None], ZONED, False, id="first-moment"),
        # the file lies around the day, its groups do not
        pytest.param([DAY.start - timedelta(hours=1), DAY.end], ZONED, True, id="groups"),
        pytest.param([datetime(2026, 3, 3, 1)], NAIVE, False, id="naive"),  # noqa: DTZ001
        pytest.param([datetime(2026, 3, 5)], NAIVE, True, id="naive-far"),  # noqa: DTZ001
        pytest.param(["2026-03-09T00:00:00Z"], pa.string(), False, id="text"),
        pytest.param([None], ZONED, False, id="null"),
    ],
)
def test_statistics_tell_that_a_file_has_no_row_of_the_day(tmp_path: Path, times, kind, is_apart):
    pq.write_table(pa.table({"id": range(len(times)), "at": pa.array(times, kind)}), tmp_path / "f", row_group_size=1)

    assert SELECTION.is_apart(tmp_path / "f") is is_apart


def test_without_statistics_a_file_is_read(tmp_path: Path):
    table = pa.table({"at": pa.array([datetime(2026, 3, 9, tzinfo=UTC)], ZONED)})
    pq.write_table(table, tmp_path / "without", write_statistics=False)
    pq.write_table(pa.table({"other": [1]}), tmp_path / "other")
    (tmp_path / "text").write_text("id,at\n1,2026-03-09")

    assert [SELECTION.is_apart(tmp_path / name) for name in ("without", "other", "text")] == [False] * 3


def test_neighbours_are_the_day_before_and_the_days_after():
    assert [day.key for day in neighbours_of(DAY, 2)] == ["2026-03-01", "2026-03-03", "2026-03-04"]


def test_a_file_of_a_neighbour_counts_only_with_rows_of_the_day():
    own = SourceFile(uri="own", size=1, sha256="a", rows=0, problem="is damaged")
    given = SourceFile(uri="given", size=1, sha256="b", rows=2, is_neighbour=True)
    empty = SourceFile(uri="empty", size=1, sha256="c", rows=0, is_neighbour=True)
    damaged = SourceFile(uri="damaged", size=1, sha256="d", rows=0, problem="is damaged", is_neighbour=True)

    files, passed_over = divide_files([own, given, empty, damaged])

    assert files == (own, given)
    assert [tuple(one) for one in passed_over] == [
        ("empty", "file of a neighbouring day, without rows of this one"),
        ("damaged", "is damaged"),
    ]
