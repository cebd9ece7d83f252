"""A day is the same whatever format its files have, and nothing of a file is lost without a word."""

from __future__ import annotations

import json
import math

import pyarrow as pa
import pytest

import airflow_mlmon
from airflow_mlmon.archive.drafting.sample import find_samples, read_sample
from airflow_mlmon.errors import ConfigError, DataError
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.pipeline.steps.prepare import Prepared, prepare_partition
from airflow_mlmon.pipeline.workspace.curated import curated_uri
from airflow_mlmon.pipeline.workspace.partition_files import MANIFEST, read_workspace_table
from airflow_mlmon.records import Status
from airflow_mlmon.storage import Storage
from airflow_mlmon.tables.files import read_path
from tests.support.base_day import FIRST, ROWS, BaseArchive, day_of, day_table
from tests.support.written import every_format, to_csv, to_lines, to_parquet

FORMATS = every_format()
NAMES = day_table(FIRST, 0).column_names


@pytest.fixture
def archive(tmp_path):
    return BaseArchive(tmp_path)


def prepared(archive: BaseArchive, day=FIRST, *replacements) -> tuple[Prepared, pa.Table]:
    with archive.opened(*replacements) as run:
        partition = run.partition(day)
        found = prepare_partition(run, partition)
        rows = read_workspace_table(run, curated_uri(run, partition, found.version))
    return found, rows.sort_by("id")


def test_day_is_the_same_in_every_format(archive):
    parts = [day_table(FIRST, 2 * len(FORMATS)).slice(2 * number, 2) for number in range(len(FORMATS))]
    for (ending, write), part in zip(FORMATS.items(), parts, strict=True):
        archive.write_day(FIRST, write(part), f"part{ending}")

    found, rows = prepared(archive)

    assert (found.status, found.message) == (Status.OK, "")
    assert rows.select(parts[0].column_names).equals(day_table(FIRST, 2 * len(FORMATS)).cast(rows.schema))


@pytest.mark.parametrize("name", ["000000_0", "2026.parq", "PART-0.PARQUET", "part-0.snappy"])
def test_parquet_is_recognised_whatever_its_name(archive, tmp_path, name):
    """apache/amoro #509, apache/datafusion #13567, duckdb/duckdb-web #130: Parquet of other names was unread."""
    path = archive.write_day(FIRST, day_table(FIRST), name)

    found, rows = prepared(archive)

    assert (found.status, rows.num_rows) == (Status.OK, ROWS)
    assert airflow_mlmon.profile(path).profile.rows == ROWS
    assert airflow_mlmon.profile(path.parent).profile.rows == ROWS
    storage = Storage()
    assert read_sample(storage, find_samples(storage, str(path.parent))).table.num_rows == ROWS


def test_declared_format_separator_and_null_texts(archive):
    text = to_csv(day_table(FIRST), "|").decode().splitlines()
    text[5] = "|".join(["NA" if n == 2 else part for n, part in enumerate(text[5].split("|"))])
    archive.write_day(FIRST, "\n".join(text).encode(), "rows.dat")

    found, rows = prepared(archive, FIRST, ("  columns:", '  format: csv\n  separator: "|"\n  null: [NA]\n  columns:'))

    assert (found.status, found.message, rows.num_rows) == (Status.OK, "", ROWS)
    assert rows.column("amount").null_count == 1


def test_file_of_no_known_format_is_refused_by_name(archive):
    archive.write_day(FIRST)
    archive.write_day(FIRST, to_csv(day_table(FIRST, 3)), "rows.dat")

    found, rows = prepared(archive)

    assert (found.status, rows.num_rows) == (Status.PARTIAL, ROWS)
    assert "rows.dat: is of no known format" in found.message


def test_ids_beyond_doubles_and_ids_with_zeros_stay_what_they_are(archive):
    table = day_table(FIRST, 4)
    lines = [json.loads(line) for line in to_lines(table).splitlines()]
    for line, one in zip(lines, ["007", "NA", 2**63 + 1, 2**53 + 1], strict=True):
        line["id"] = one
    archive.write_day(FIRST, "\n".join(map(json.dumps, lines)).encode(), "part.jsonl")

    found, rows = prepared(archive)

    assert (found.status, found.message) == (Status.OK, "")
    assert set(rows.column("id").to_pylist()) == {"007", "NA", str(2**63 + 1), str(2**53 + 1)}


def test_nan_of_python_is_a_missing_number(archive):
    """airbytehq/airbyte #1246: Python's json writes NaN, which JSON has not."""
    lines = [json.loads(line) for line in to_lines(day_table(FIRST)).splitlines()]
    lines[0]["amount"], lines[1]["amount"], lines[2]["amount"] = math.nan, math.inf, None
    archive.write_day(FIRST, "\n".join(map(json.dumps, lines)).encode(), "part.jsonl")

    found, rows = prepared(archive)

    assert (found.status, rows.num_rows) == (Status.OK, ROWS)
    amounts = dict(zip(rows.column("id").to_pylist(), rows.column("amount").to_pylist(), strict=True))
    assert amounts[lines[0]["id"]] is None or math.isnan(amounts[lines[0]["id"]])
    assert amounts[lines[1]["id"]] == math.inf
    assert amounts[lines[2]["id"]] is None


def test_line_of_17_mb_is_read(archive):
    """airbytehq/airbyte #1246: an image within a payload."""
    lines = [json.loads(line) for line in to_lines(day_table(FIRST)).splitlines()]
    lines[100]["image"] = "x" * (17 << 20)
    archive.write_day(FIRST, "\n".join(map(json.dumps, lines)).encode(), "part.jsonl")

    found, rows = prepared(archive)

    assert (found.status, found.message, rows.num_rows) == (Status.OK, "", ROWS)


def test_value_of_another_kind_costs_that_value_alone(archive):
    lines = [json.loads(line) for line in to_lines(day_table(FIRST)).splitlines()]
    lines[7]["amount"] = "twelve"
    lines[8]["amount"] = {"value": 12}
    archive.write_day(FIRST, "\n".join(map(json.dumps, lines)).encode(), "part.jsonl")

    found, rows = prepared(archive)

    assert (found.status, found.rows_read, rows.num_rows) == (Status.PARTIAL, ROWS, ROWS)
    assert rows.column("amount").null_count == 2


@pytest.mark.parametrize(
    "empty",
    [
        pytest.param(pa.table({}), id="no-column"),
        pytest.param(pa.table({name: pa.nulls(0) for name in NAMES}), id="null-types"),
        pytest.param(day_table(FIRST, 0).set_column(2, "amount", pa.array([], pa.string())), id="another-type"),
    ],
)
def test_file_of_an_empty_frame_is_no_problem(archive, empty):
    """apache/arrow #12458, dask/dask #3454 and #5252: frames without rows have other types."""
    archive.write_day(FIRST)
    archive.write_day(FIRST, to_parquet(empty), "empty.parquet")
    archive.write_day(day_of(1), to_parquet(empty), "empty.parquet")

    found, rows = prepared(archive)
    alone, _ = prepared(archive, day_of(1))

    assert (found.status, found.message, rows.num_rows) == (Status.OK, "", ROWS)
    assert alone.status is Status.NO_DATA


def with_twice(table, name, values):
    return pa.Table.from_arrays([*table.columns, values, values], names=[*table.column_names, name, name])


def test_undeclared_column_that_is_there_twice_costs_nothing(archive):
    """pola-rs/polars #27393, dask/dask #9251: leftovers of a join."""
    archive.write_day(FIRST, to_parquet(with_twice(day_table(FIRST), "note", pa.array(["x"] * ROWS))))

    found, rows = prepared(archive)

    assert (found.status, found.message, rows.num_rows) == (Status.OK, "", ROWS)


def test_declared_column_that_is_there_twice_costs_the_column(archive):
    """apache/arrow PR #6831 and #37428: a name that occurs twice raised KeyError."""
    table = day_table(FIRST)
    archive.write_day(FIRST, to_parquet(with_twice(table.drop_columns(["amount"]), "amount", table.column("amount"))))

    found, rows = prepared(archive)

    assert found.status is Status.PARTIAL
    assert "'amount'" in found.message
    assert "twice" in found.message
    assert rows.column("amount").null_count == ROWS


def test_undeclared_column_that_cannot_be_decoded_costs_nothing(archive):
    wide = day_table(FIRST).append_column("blob", pa.array([b"x" * 2_000] * ROWS))
    data = bytearray(to_parquet(wide, use_dictionary=False, compression="none"))
    place = data.find(b"x" * 2_000, len(data) // 2)
    data[place + 1_000 : place + 1_010] = b"damaged..."
    path = archive.write_day(FIRST, bytes(data))

    found, rows = prepared(archive)

    assert (found.status, found.message, rows.num_rows) == (Status.OK, "", ROWS)
    with pytest.raises(DataError, match="not a readable Parquet file"):
        list(read_path(path, str(path)))


def test_objects_become_columns_with_dotted_names(archive):
    lines = [json.loads(line) for line in to_lines(day_table(FIRST)).splitlines()]
    for line in lines:
        line["features"] = {"amount": line.pop("amount")}
    archive.write_day(FIRST, "\n".join(map(json.dumps, lines)).encode(), "part.jsonl")

    found, rows = prepared(archive, FIRST, ("    amount:", "    features.amount:"))

    assert (found.status, found.message) == (Status.OK, "")
    amounts = day_table(FIRST).sort_by("id").column("amount")
    assert rows.column("features.amount").to_pylist() == amounts.to_pylist()


def test_separator_of_several_characters_is_refused_at_its_line(archive):
    with pytest.raises(ConfigError, match="one ASCII character"):
        parse_spec(archive.spec_text.replace("  columns:", '  separator: ";;"\n  columns:', 1), "m.yaml")


def test_format_that_was_all_there_was_changes_no_version(archive):
    versions = []
    for declared in ("", "  format: parquet\n", "  format: csv\n"):
        with archive.opened(("  columns:", f"{declared}  columns:")) as run:
            versions.append(run.fingerprint)

    assert versions[0] == versions[1] != versions[2]


def test_columns_named_as_those_of_a_log_are_nothing_special_without_one(archive):
    own = {"quarantine_reason": "a private word", "sampling_fraction": 0.1, "number of the file of the response": 0}
    lines = [json.loads(line) | own for line in to_lines(day_table(FIRST)).splitlines()]
    archive.write_day(FIRST, "\n".join(map(json.dumps, lines)).encode(), "part.jsonl")

    with archive.opened() as run:
        found = prepare_partition(run, run.partition(FIRST))
        manifest = json.loads(run.files.read(run.version_uri(run.partition(FIRST), found.version, MANIFEST)))

    assert (found.status, found.message, found.rows_accepted) == (Status.OK, "", ROWS)
    assert (manifest["sampling_fraction"], manifest["files"][0]["undeclared"]) == (None, sorted(own))
