from __future__ import annotations

import gzip
import json

import numpy as np
import pyarrow as pa
import pytest

import airflow_mlmon
from airflow_mlmon.comparison import dataset
from airflow_mlmon.errors import ConfigError, DataError, NotFoundError
from airflow_mlmon.tables.contents import Content
from airflow_mlmon.tables.damage import naming_damage
from tests.support.comparison import make_rows, write_parquet, write_text

NUMBERS = "x\n" + "\n".join(str(number) for number in range(100)) + "\n"


def content_of(path, column="x", **settings):
    return airflow_mlmon.profile(path, **settings).contents[column].content


def test_same_rows_in_any_format_are_equal(tmp_path):
    table = make_rows(400, 1)
    parquet = write_parquet(tmp_path / "r.parquet", table)
    csv = write_text(tmp_path / "r.csv", table.to_pandas().to_csv(index=False).replace("True", "true"))
    lines = "\n".join(json.dumps(row) for row in table.to_pylist())
    jsonl = write_text(tmp_path / "r.jsonl", lines)

    for other in (csv, jsonl):
        found = airflow_mlmon.compare(parquet, other)
        assert {column.column: column.score for column in found.columns if column.method} == dict.fromkeys(
            ["amount", "age", "channel", "repeat"], 0
        )


def test_folder_and_glob_are_read_in_whole(tmp_path):
    for number in range(3):
        write_parquet(tmp_path / f"{number}.parquet", make_rows(100, number))
    write_text(tmp_path / "_SUCCESS", "")

    for path in (tmp_path, f"{tmp_path}/*.parquet", f"{tmp_path}/**/*.parquet"):
        data = airflow_mlmon.profile(path)
        assert data.profile.rows == 300
        assert len(data.files) == 3


def test_file_whose_name_looks_like_a_glob_is_itself(tmp_path):
    path = write_text(tmp_path / "a[1]*.csv", NUMBERS)

    assert airflow_mlmon.profile(path).profile.rows == 100


@pytest.mark.parametrize(
    ("values", "content"),
    [
        (["1", "-2", "3.5", "1e3", ".5", ""], Content.NUMBER),
        (["007", "12"], Content.TEXT),
        (["1", "12a"], Content.TEXT),
        (["true", "FALSE", ""], Content.BOOLEAN),
        (["2024-01-01T00:00:00", "2024-01-01 10:00"], Content.TIME),
        (["2024-01-01T00:00:00Z", "2024-01-01T10:00:00+02:00"], Content.TIME_WITH_ZONE),
        (["2024-01-01", "2024-02-29"], Content.DATE),
        (["", ""], Content.NOTHING),
    ],
)
def test_written_values_are_understood_as_a_whole(tmp_path, values, content):
    path = write_text(tmp_path / "x.csv", "x,y\n" + "\n".join(f"{value},1" for value in values) + "\n")

    assert content_of(path) is content


@pytest.mark.guards("fault-20")
def test_ids_stay_as_they_are_written(tmp_path):
    path = write_text(tmp_path / "x.csv", "x\n" + "007\n7\nNA\n" * 20)

    assert set(airflow_mlmon.profile(path).schema.columns[0].vocabulary) == {"007", "7", "NA"}


def test_null_word_beside_numbers_is_refused_until_it_is_named(tmp_path):
    path = write_text(tmp_path / "x.csv", NUMBERS + "NA\n")

    with pytest.raises(DataError, match=r"'x' of .*x\.csv mixes 'NA' with numbers.*--null 'NA'"):
        airflow_mlmon.profile(path)
    assert content_of(path, null=["NA"]) is Content.NUMBER


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", "not a readable CSV file", id="empty", marks=pytest.mark.guards("fault-07")),
        pytest.param(b"x,y\n1,2\n3\n", "not a readable CSV file", id="ragged", marks=pytest.mark.guards("fault-09")),
        pytest.param(b"x\n\xff\xfe\n", "is not UTF-8 text", id="not-utf8", marks=pytest.mark.guards("fault-10")),
        pytest.param(b"x\n1\x002\n", "contains NUL bytes", id="nul", marks=pytest.mark.guards("fault-11")),
        pytest.param(b'x,y\n1,"cut', "unclosed quote", id="cut-off-in-quotes", marks=pytest.mark.guards("fault-06")),
        pytest.param(b'x",y\n1,2\n3",4\n', "the quotes of its header do not match", id="quotes-of-the-header"),
        pytest.param(b"x,x\n1,2\n", "Column 'x' occurs twice in ", id="repeated-name"),
    ],
)
def test_faulty_csv_is_refused_by_name(tmp_path, content, said):
    path = write_text(tmp_path / "bad.csv", content)

    with pytest.raises(DataError, match=said) as caught:
        airflow_mlmon.profile(path)
    assert "bad.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param("", "is empty", id="empty"),
        pytest.param('{"x": 1}\n{"x": ', "not a readable JSON Lines file", id="cut-off"),
        pytest.param('{"x": 1}\n{"x": "a"}\n', r"Column 'x' holds numbers in .* but texts in", id="two-types"),
    ],
)
def test_faulty_json_lines_are_refused_by_name(tmp_path, content, said):
    path = write_text(tmp_path / "bad.jsonl", content)

    with pytest.raises(DataError, match=said) as caught:
        airflow_mlmon.profile(path)
    assert "bad.jsonl" in str(caught.value)


@pytest.mark.guards("fault-16")
def test_flipped_bits_of_a_parquet_page_are_caught(tmp_path):
    path = tmp_path / "x.parquet"
    write_parquet(path, pa.table({"x": np.random.default_rng(1).normal(size=20_000)}))
    whole = path.read_bytes()
    for place in range(1000, 100_000, 9001):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1 :])
        with pytest.raises(DataError, match=r"x\.parquet (is not a readable Parquet file|cannot be read)"):
            airflow_mlmon.profile(path)


def test_types_that_differ_between_files_name_column_and_files(tmp_path):
    write_parquet(tmp_path / "1.parquet", pa.table({"x": [1, 2]}))
    write_parquet(tmp_path / "2.parquet", pa.table({"x": ["a", "b"]}))

    with pytest.raises(DataError, match=r"'x' holds numbers in .*1\.parquet .* but texts in .*2\.parquet"):
        airflow_mlmon.profile(tmp_path)


def test_text_where_the_reference_has_numbers_names_column_and_file(tmp_path):
    paths = [write_text(tmp_path / "1.csv", NUMBERS), write_text(tmp_path / "2.csv", NUMBERS + "a7\n")]

    with pytest.raises(DataError, match=r"'x' holds numbers in .*1\.csv .* but texts in .*2\.csv"):
        airflow_mlmon.compare(*paths)


def test_integers_and_fractions_are_both_numbers(tmp_path):
    paths = [write_text(tmp_path / "1.csv", NUMBERS), write_text(tmp_path / "2.csv", NUMBERS + "0.5\n")]

    assert airflow_mlmon.compare(*paths).evaluated == 1


def test_rows_of_a_file_without_the_column_are_told(tmp_path):
    write_text(tmp_path / "1.jsonl", '{"x": 1, "y": 1}\n' * 50)
    write_text(tmp_path / "2.jsonl", '{"x": 1}\n' * 40)

    column = next(c for c in airflow_mlmon.compare(tmp_path, tmp_path).columns if c.column == "y")
    assert "missing in 40 rows of the reference" in column.note


def test_nothing_at_the_path_is_told(tmp_path):
    with pytest.raises(NotFoundError, match=r"No data files found at .*none"):
        airflow_mlmon.profile(tmp_path / "none*.csv")


def test_unknown_ending_is_refused(tmp_path):
    for name in ("x.xls.gz", "x.gz", "x.parquet.gz"):
        path = tmp_path / name
        path.write_bytes(gzip.compress(b"x\n1\n"))

        with pytest.raises(ConfigError, match=rf"{name} has an unsupported extension.*\.csv\.gz"):
            airflow_mlmon.profile(path)


@pytest.mark.parametrize("name", ["r.csv", "r.jsonl", "r.ndjson", "r.json"])
def test_packed_file_holds_what_it_holds_unpacked(tmp_path, name):
    rows = make_rows(400, 1)
    lines = "\n".join(json.dumps(row) for row in rows.to_pylist())
    text = rows.to_pandas().to_csv(index=False).replace("True", "true") if name == "r.csv" else lines
    plain = write_text(tmp_path / name, text)
    packed = tmp_path / "packed" / f"{name}.GZ"
    packed.parent.mkdir()
    # members that follow each other are one file
    packed.write_bytes(gzip.compress(text[:5_000].encode()) + gzip.compress(text[5_000:].encode()))

    assert airflow_mlmon.profile(packed).profile == airflow_mlmon.profile(plain).profile
    assert airflow_mlmon.profile(packed.parent).files == (str(packed),)


@pytest.mark.parametrize("name", ["bad.csv.gz", "bad.jsonl.gz"])
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        pytest.param(lambda _: b"x\n1\n", "is not a readable gzip file", id="not-gzip"),
        pytest.param(
            lambda data: data[:-9], "is not a readable gzip file", id="cut-off", marks=pytest.mark.guards("fault-12")
        ),
        pytest.param(
            lambda data: data[:-8] + b"\0\0\0\0" + data[-4:],
            "is not a readable gzip file",
            id="checksum",
            marks=pytest.mark.guards("fault-13"),
        ),
        pytest.param(lambda data: data + b"rest", "is not a readable gzip file", id="garbage-after"),
        pytest.param(lambda _: b"", "is (not a readable CSV file|empty)", id="no-bytes"),
    ],
)
def test_faulty_gzip_is_refused_by_name(tmp_path, name, damage, said):
    text = NUMBERS if "csv" in name else '{"x": 1}\n' * 50
    path = tmp_path / name
    path.write_bytes(damage(gzip.compress(text.encode())))

    with pytest.raises(DataError, match=rf"bad\.\w+\.gz {said}"):
        airflow_mlmon.profile(path)


def test_names_with_quotes_and_markup_are_only_names(tmp_path):
    name = "a\"b'<i>[/red]"
    path = write_parquet(tmp_path / "x.parquet", pa.table({name: np.arange(50.0)}))

    assert airflow_mlmon.compare(path, path).columns[0].column == name


def test_many_small_files_are_the_sum_of_their_rows(tmp_path):
    whole = make_rows(600, 1)
    for number in range(6):
        write_parquet(tmp_path / f"{number}.parquet", whole.slice(number * 100, 100))

    first, second = airflow_mlmon.profile(tmp_path), airflow_mlmon.profile(whole)
    assert first.profile == second.profile


@pytest.mark.parametrize("method", ["psi", "anderson"])
def test_parquet_files_say_the_same_as_their_rows(tmp_path, method):
    tables = make_rows(2000, 1), make_rows(1500, 2, amount=1.0)
    paths = [write_parquet(tmp_path / f"{number}.parquet", table) for number, table in enumerate(tables)]

    from_files = airflow_mlmon.compare(*paths, method=method)

    assert from_files.columns == airflow_mlmon.compare(*tables, method=method).columns


@pytest.mark.parametrize("values", [[1, 2, None] * 20, [None, 0.5] * 20, ["a", "b"] * 20])
def test_column_that_was_all_null_says_the_same_from_a_file(tmp_path, values):
    tables = pa.table({"x": pa.nulls(40)}), pa.table({"x": values})
    paths = [write_parquet(tmp_path / f"{number}.parquet", table) for number, table in enumerate(tables)]

    assert airflow_mlmon.compare(*paths).columns == airflow_mlmon.compare(*tables).columns


def test_schema_is_pinned_from_the_same_rows_in_any_format(tmp_path):
    table = make_rows(dataset.PINNED_ROWS + 70_000, 1).select(["amount", "channel"])
    csv = write_text(tmp_path / "r.csv", table.to_pandas().to_csv(index=False))
    parquet = write_parquet(tmp_path / "r.parquet", table)

    schemas = {airflow_mlmon.profile(source).schema.columns for source in (parquet, csv, table, table.to_pandas())}

    assert len(schemas) == 1


@pytest.mark.parametrize("pattern", ["dt=*", "dt=0[12]", "dt=0[!3]"])
def test_glob_of_folders_means_their_files(tmp_path, pattern):
    for number in (1, 2):
        (tmp_path / f"dt=0{number}").mkdir()
        write_parquet(tmp_path / f"dt=0{number}" / "part.parquet", make_rows(100, number))
        write_text(tmp_path / f"dt=0{number}" / "_SUCCESS", "")

    assert len(airflow_mlmon.profile(f"{tmp_path}/{pattern}").files) == 2


def test_what_a_library_says_of_a_damaged_file_ends_in_one_full_stop():
    said = r"^a\.parquet is not a readable Parquet file: it is short\.$"
    with pytest.raises(DataError, match=said) as raised, naming_damage("a.parquet", "Parquet"):
        raise pa.ArrowInvalid("it is short.")
    assert raised.value.problem == "not a readable Parquet file (it is short)"
