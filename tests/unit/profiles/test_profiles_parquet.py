from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_mlmon.errors import DataError, SchemaMismatchError
from airflow_mlmon.profiles.engine.local import profile_parquet, profile_table
from tests.support.profiles import category_schema, make_schema, numeric_schema

SCHEMA = make_schema(numeric_schema(), category_schema("a", "b"))
TABLE = pa.table({"x": np.arange(3000) / 7, "c": ["a", "b", "new"] * 1000})


def to_bytes(table, **options):
    sink = io.BytesIO()
    pq.write_table(table, sink, write_page_checksum=True, **options)
    return sink.getvalue()


def test_path_and_bytes_are_read_alike(tmp_path):
    path = tmp_path / "it's a <file>.parquet"
    path.write_bytes(to_bytes(TABLE))

    assert profile_parquet([path], SCHEMA) == profile_parquet([to_bytes(TABLE)], SCHEMA)


def test_column_that_one_file_lacks_has_the_rows_of_the_others():
    profile = profile_parquet([to_bytes(TABLE), to_bytes(TABLE.drop(["c"]))], SCHEMA)

    assert (profile.rows, profile.columns["x"].rows, profile.columns["c"].rows) == (6000, 6000, 3000)


def test_files_of_different_number_types_add_up():
    doubles = TABLE.set_column(0, "x", TABLE.column("x").cast(pa.float32()))
    both = profile_parquet([to_bytes(TABLE), to_bytes(doubles)], SCHEMA)

    assert both == profile_table(TABLE, SCHEMA) + profile_table(doubles, SCHEMA)


def test_column_whose_name_begins_as_another_is_told_apart():
    table = TABLE.append_column("x.y", [np.zeros(3000)]).select(["x.y", "x", "c"])

    assert profile_parquet([to_bytes(table)], SCHEMA) == profile_table(TABLE, SCHEMA)


def test_no_files_are_no_rows():
    assert profile_parquet([], SCHEMA) == profile_table(TABLE.slice(0, 0), SCHEMA)


@pytest.mark.parametrize("threads", [1, 3])
def test_file_of_the_wrong_type_is_refused_by_column_and_file(tmp_path, threads):
    path = tmp_path / "wrong.parquet"
    path.write_bytes(to_bytes(TABLE.set_column(0, "x", [["text"] * 3000])))

    with pytest.raises(SchemaMismatchError, match=r"wrong\.parquet: Column 'x' is of type string"):
        profile_parquet([to_bytes(TABLE), path], SCHEMA, threads=threads)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no Parquet at all"])
def test_what_is_no_parquet_file_is_refused_by_name(tmp_path, content):
    path = tmp_path / "other.parquet"
    path.write_bytes(content)

    with pytest.raises(DataError, match=r"other\.parquet cannot be read"):
        profile_parquet([path], SCHEMA)


def test_absent_file_is_refused_by_name(tmp_path):
    with pytest.raises(DataError, match=r"gone\.parquet cannot be read"):
        profile_parquet([tmp_path / "gone.parquet"], SCHEMA)


def test_damaged_page_is_refused_by_column_and_file():
    data = bytearray(to_bytes(TABLE, use_dictionary=False, compression="none"))
    data[2000] ^= 0xFF

    with pytest.raises(DataError, match="Column 'x' of file 2 cannot be read"):
        profile_parquet([to_bytes(TABLE), bytes(data)], SCHEMA)
