"""Columns as warehouses, frames and services write them: read without loss, or refused value by value."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.prepare import prepare_partition
from airflow_mlmon.pipeline.workspace.curated import curated_uri
from airflow_mlmon.pipeline.workspace.partition_files import MANIFEST, read_workspace_table
from airflow_mlmon.records import Status
from tests.support.base_day import (
    FIRST,
    LABELS,
    REFERENCE_DAYS,
    ROWS,
    BaseArchive,
    day_of,
    day_table,
    metric_of,
    run_day,
)

COLUMNS = """\
    country: {{type: category}}
    items: {{type: integer}}
    mcc: {{type: category}}
    valid_to: {{type: timestamp}}
"""
LAST_DAY = datetime(9999, 12, 31, tzinfo=UTC)
END = datetime(2026, 5, 1, tzinfo=UTC)
LATIN = pa.array([b"R\xc9UNION"], pa.binary())
NAIVE = pa.timestamp("us")


class Read(NamedTuple):
    """A day as it was read."""

    status: Status
    message: str
    rows: pa.Table
    quarantined: dict[str, int]
    faults: dict[str, int]
    undeclared: set[str]

    def values(self, name: str) -> list[Any]:
        return self.rows.column(name).to_pylist()


def clean_table(day: date) -> pa.Table:
    """A day with further columns, of the declared types."""
    table = day_table(day)
    numbers = pa.array(np.arange(ROWS) % 7)
    ends = pa.array([LAST_DAY, END] * (ROWS // 2), pa.timestamp("us", "UTC"))
    codes = pa.array([f"{5400 + n % 20}" for n in range(ROWS)])
    return table.append_column("items", numbers).append_column("mcc", codes).append_column("valid_to", ends)


def changed(day: date, **columns: pa.Array | pa.ChunkedArray) -> pa.Table:
    """A day with other columns in the place of some."""
    table = clean_table(day)
    for name, values in columns.items():
        table = table.set_column(table.column_names.index(name), name, values)
    return table


def damaged(values: pa.ChunkedArray, at: int) -> pa.ChunkedArray:
    """Texts of which one is none."""
    raw = values.cast(pa.binary()).combine_chunks()
    return pa.chunked_array([pa.concat_arrays([raw[:at], LATIN, raw[at + 1 :]]).cast(pa.string(), safe=False)])


def write_reference(archive: BaseArchive) -> None:
    past = [clean_table(FIRST - timedelta(days=back)) for back in range(REFERENCE_DAYS, 0, -1)]
    archive.write("reference/part-0.parquet", pa.concat_tables(past))


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> BaseArchive:
    archive = BaseArchive(tmp_path_factory.mktemp("columns"), ("    country: {type: category}\n", COLUMNS))
    write_reference(archive)
    return archive


@pytest.fixture(scope="module")
def run(archive) -> Iterator[Run]:
    with archive.opened() as run:
        yield run


def read_day(run: Run, day: date) -> Read:
    prepared = prepare_partition(run, run.partition(day))
    manifest = json.loads(run.files.read(run.version_uri(prepared.partition, prepared.version, MANIFEST)))
    rows = read_workspace_table(run, curated_uri(run, prepared.partition, prepared.version))
    faults: dict[str, int] = {}
    for file in manifest["files"]:
        faults |= file["faults"]
    return Read(
        prepared.status,
        prepared.message,
        rows,
        manifest["quarantined"],
        faults,
        {name for file in manifest["files"] for name in file["undeclared"]},
    )


def test_decimals_of_a_warehouse_are_integers_flags_and_ids(archive, run):
    """adriangb/pgpq #29, snowflakedb/snowflake-connector-python #828: NUMBER is decimal(38, 0)."""
    day = day_of(0)
    table = clean_table(day)
    whole = pa.decimal128(38, 0)
    flags = table.column("flagged").cast(pa.int8()).cast(pa.decimal128(3, 0)).cast(pa.decimal128(1, 0))
    ids = pa.array([Decimal(n) for n in range(ROWS)], whole)
    archive.write_day(day, changed(day, id=ids, flagged=flags, items=table.column("items").cast(whole)))

    read = read_day(run, day)

    assert (read.status, read.message) == (Status.OK, "")
    assert read.values("id") == [str(n) for n in range(ROWS)]
    assert read.values("items") == table.column("items").to_pylist()
    assert read.values("flagged") == table.column("flagged").to_pylist()


def test_codes_are_the_same_on_the_day_on_which_one_is_missing(archive, run):
    """transferwise/pipelinewise-target-snowflake #404, apache/arrow #12416: one null makes doubles."""
    day = day_of(1)
    codes = [float(5400 + n % 20) for n in range(ROWS)]
    archive.write_day(day, changed(day, id=pa.array(np.arange(ROWS) + 0.0), mcc=pa.array([None, *codes[1:]])))

    read = read_day(run, day)

    assert (read.status, read.faults) == (Status.OK, {})
    assert read.values("mcc") == [None, *[f"{code:.0f}" for code in codes[1:]]]
    assert read.values("id")[17] == "17"


@pytest.mark.parametrize(
    ("offset", "kind"),
    [(2, pa.string_view()), (3, pa.large_string()), (4, pa.binary()), (5, pa.dictionary(pa.int32(), pa.string()))],
)
def test_text_of_any_type_is_text(archive, run, offset, kind):
    """pola-rs/polars #26435: Polars writes string views, for which kernels are missing elsewhere."""
    day = day_of(offset)
    table = clean_table(day)
    archive.write_day(day, changed(day, **{name: table.column(name).cast(kind) for name in ("id", "country")}))

    read = read_day(run, day)

    assert (read.status, read.message) == (Status.OK, "")
    assert read.values("id") == table.column("id").to_pylist()
    assert read.values("country") == table.column("country").to_pylist()


def test_last_day_of_the_calendar_is_never_another_date(archive):
    """apache/datafusion #1359, apache/arrow-rs #982: Spark's last date overflows nanoseconds."""
    day = day_of(6)
    sink = io.BytesIO()
    pq.write_table(clean_table(day), sink, use_deprecated_int96_timestamps=True)
    archive.write(f"preds/dt={day}/part-0.parquet", sink.getvalue())

    with archive.opened(("  columns:\n", "  timezone: UTC\n  columns:\n")) as run:
        read = read_day(run, day)

    assert read.values("valid_to") == [LAST_DAY, END] * (ROWS // 2)
    assert (read.status, read.message) == (Status.OK, "")


def test_column_that_occurs_twice_costs_itself_if_it_is_declared(archive, run):
    """apache/arrow PR #6831: a name that occurs twice raised KeyError."""
    declared, other = day_of(14), day_of(15)
    archive.write_day(declared, clean_table(declared).append_column("amount", pa.array([1.0] * ROWS)))
    twice = clean_table(other).append_column("x", pa.array([1] * ROWS)).append_column("x", pa.array([2] * ROWS))
    archive.write_day(other, twice)

    of_declared, of_other = read_day(run, declared), read_day(run, other)

    assert (of_declared.status, of_declared.rows.num_rows) == (Status.PARTIAL, ROWS)
    assert of_declared.faults == {"column 'amount' occurs twice": ROWS}
    assert set(of_declared.values("amount")) == {None}
    assert (of_other.status, of_other.message) == (Status.OK, "")


@pytest.mark.parametrize(
    ("offset", "unit", "name"),
    [(7, "s", "seconds"), (8, "ms", "milliseconds"), (9, "us", "microseconds"), (10, "ns", "nanoseconds")],
)
def test_event_time_as_a_number_is_read_and_said(archive, run, offset, unit, name):
    day = day_of(offset)
    times = clean_table(day).column("at")
    archive.write_day(day, changed(day, at=times.cast(pa.timestamp(unit, "UTC")).cast(pa.int64())))

    read = read_day(run, day)

    assert read.status is Status.OK
    assert read.values("at") == times.to_pylist()
    assert read.message == f"column 'at' holds numbers, read as {name} since 1970: set `unit: {unit}` of the column"


def test_times_as_texts_are_read_and_a_word_is_refused_alone(archive, run):
    day = day_of(11)
    texts = [moment.isoformat() for moment in clean_table(day).column("at").to_pylist()]
    archive.write_day(day, changed(day, at=pa.array(["soon", *texts[1:]])))

    read = read_day(run, day)

    assert (read.status, read.rows.num_rows) == (Status.PARTIAL, ROWS - 1)
    assert read.quarantined == {"at is not a time (ISO 8601, or a number since 1970)": 1}


def test_bytes_that_are_no_text_cost_the_value_and_in_an_id_the_row(archive, run):
    """jorgecarleitao/parquet2 #108, apache/arrow #29635: Spark wrote bytes that are no UTF-8."""
    feature, identifier = day_of(12), day_of(13)
    archive.write_day(feature, changed(feature, country=damaged(clean_table(feature).column("country"), 3)))
    archive.write_day(identifier, changed(identifier, id=damaged(clean_table(identifier).column("id"), 3)))

    of_feature, of_identifier = read_day(run, feature), read_day(run, identifier)

    assert (of_feature.rows.num_rows, of_feature.faults) == (ROWS, {"country is not UTF-8 text": 1})
    assert of_feature.values("country")[3] is None
    assert "country is not UTF-8 text" in of_feature.message
    assert (of_identifier.rows.num_rows, of_identifier.quarantined) == (ROWS - 1, {"id is not UTF-8 text": 1})
    assert of_feature.status is of_identifier.status is Status.PARTIAL


def test_undeclared_column_that_cannot_be_read_is_left_out(archive, run):
    day = day_of(21)
    sink = io.BytesIO()
    extra = pa.array([f"unreadable-{n}" for n in range(ROWS)])
    pq.write_table(
        clean_table(day).append_column("extra", extra), sink, compression="none", use_dictionary=False,
        write_page_checksum=True, write_statistics=False,
    )  # fmt: skip
    archive.write(f"preds/dt={day}/part-0.parquet", sink.getvalue().replace(b"unreadable-7", b"unreadable-8", 1))

    read = read_day(run, day)

    assert (read.status, read.rows.num_rows, read.undeclared) == (Status.OK, ROWS, {"extra"})


def test_column_that_is_missing_or_named_otherwise_costs_itself(archive, run):
    day = day_of(16)
    names = ["Amount" if name == "amount" else name for name in clean_table(day).column_names]
    archive.write_day(day, clean_table(day).rename_columns(names).drop_columns(["mcc"]))

    read = read_day(run, day)

    assert (read.status, read.rows.num_rows) == (Status.PARTIAL, ROWS)
    assert read.faults == {"column 'amount' is missing: the file has 'Amount'": ROWS, "column 'mcc' is missing": ROWS}
    assert read.undeclared == {"Amount"}


def test_row_numbers_of_a_frame_are_passed_over(archive, run):
    """apache/parquet-java #2144: __index_level_0__ is left in the files."""
    day = day_of(17)
    archive.write_day(day, clean_table(day).append_column("__index_level_0__", pa.array(np.arange(ROWS))))

    read = read_day(run, day)

    assert (read.status, read.undeclared) == (Status.OK, set())


def test_day_that_a_frame_wrote_as_csv_is_that_of_its_types(archive, run):
    typed, written = day_of(22), day_of(23)
    table = clean_table(typed)
    archive.write_day(typed, table)
    later = table.set_column(1, "at", pc.add(table.column("at"), pa.scalar(timedelta(days=1))))
    text = io.StringIO()
    later.to_pandas().to_csv(text)
    archive.write(f"preds/dt={written}/part-0.csv", text.getvalue().encode())

    of_typed, of_written = read_day(run, typed), read_day(run, written)

    assert (of_written.status, of_written.message, of_written.undeclared) == (Status.OK, "", set())
    assert of_written.rows.schema == of_typed.rows.schema
    names = [name for name in table.column_names if name != "at"]
    assert of_written.rows.select(names).equals(of_typed.rows.select(names))
    assert of_written.values("at") == later.column("at").to_pylist()


def test_column_of_another_type_costs_the_values_that_do_not_fit(archive, run):
    day = day_of(18)
    fractions = pa.array([0.5, *[float(n) for n in range(1, ROWS)]])
    lists = pa.array([[1.0]] * ROWS)
    archive.write_day(day, changed(day, items=fractions, amount=lists))

    read = read_day(run, day)

    assert (read.status, read.rows.num_rows) == (Status.PARTIAL, ROWS)
    assert read.faults == {
        "column 'amount' is list<element: double>, which cannot be read as float": ROWS,
        "items is not a whole number": 1,
    }
    assert read.values("items") == [None, *range(1, ROWS)]


@pytest.mark.parametrize("zone", ["+00:00", "+07:30", "Europe/Berlin"])
def test_times_in_a_zone_of_their_own_need_no_other(archive, run, zone):
    """apache/arrow #47043: zones that are offsets."""
    day = day_of(19)
    times = clean_table(day).column("at")
    archive.write_day(day, changed(day, at=times.cast(pa.timestamp("us", zone))))

    assert read_day(run, day).values("at") == times.to_pylist()


def local_table(day: date, local: list[str]) -> pa.Table:
    """A day whose last rows have these local times; the others are at its noon."""
    noon = [f"{day} 12:00:00"] * (ROWS - len(local))
    return changed(day, at=pc.cast(pa.array([*noon, *local]), NAIVE))


def test_local_times_on_the_days_of_the_clock_changes(archive):
    """logstash-plugins/logstash-input-jdbc #121: one time that came twice stopped the whole input."""
    forward, back = date(2026, 3, 29), date(2026, 10, 25)
    archive.write_day(forward, local_table(forward, [f"{forward} 02:30:00"] * 2))
    archive.write_day(back, local_table(back, [f"{back} 02:{minute:02d}:00" for minute in range(10)]))

    with archive.opened(("  columns:\n", "  timezone: Europe/Berlin\n  columns:\n")) as run:
        of_forward, of_back = read_day(run, forward), read_day(run, back)

    assert of_forward.quarantined == {"at never was in Europe/Berlin: the clocks went forward over it": 2}
    assert of_back.quarantined == {
        "at was twice in Europe/Berlin: the clocks went back, and nothing says which of the two it is": 10
    }
    assert (of_forward.rows.num_rows, of_back.rows.num_rows) == (ROWS - 2, ROWS - 10)
    assert set(of_forward.values("at")) == {datetime(2026, 3, 29, 10, tzinfo=UTC)}


@pytest.mark.parametrize(("zone", "hour"), [("+01:00", 11), ("-07:30", 19)])
def test_zone_may_be_an_offset(archive, zone, hour):
    """apache/arrow #36558: +00:00 was no zone of the database."""
    day = day_of(20)
    archive.write_day(day, local_table(day, []))

    with archive.opened(("  columns:\n", f'  timezone: "{zone}"\n  columns:\n')) as run:
        read = read_day(run, day)

    assert (read.status, read.values("at")[0].hour) == (Status.OK, hour)


def test_reference_and_labels_of_a_warehouse_are_read_as_its_predictions_are(tmp_path):
    archive = BaseArchive(tmp_path, labels=LABELS)
    whole = pa.decimal128(38, 0)
    numbers = [Decimal(n) for n in range(ROWS)]
    past = [clean_table(FIRST - timedelta(days=back)) for back in range(REFERENCE_DAYS, 0, -1)]
    reference = pa.concat_tables(past)
    flags = reference.column("flagged").cast(pa.int8()).cast(pa.decimal128(3, 0))
    ids = pa.array([Decimal(n) for n in range(reference.num_rows)], whole)
    country = reference.column("country").cast(pa.string_view())
    table = changed(FIRST, id=pa.array(numbers, whole))
    truth = table.column("flagged")
    archive.write(
        "reference/part-0.parquet",
        reference.set_column(0, "id", ids).set_column(5, "flagged", flags).set_column(3, "country", country),
    )
    archive.write_day(FIRST, table)
    decimals = {"id": pa.array(numbers[:100], whole), "fraud": truth[:100].cast(pa.int8()).cast(pa.decimal128(38, 0))}
    words = {
        "id": pa.array([str(n) for n in range(100, ROWS)], pa.string_view()),
        "fraud": pc.if_else(truth[100:], "Yes", "no"),
    }
    archive.write_labels(FIRST, pa.table(decimals))
    archive.write_labels(FIRST, pa.table(words), "l-1.parquet")

    with archive.opened() as run:
        state = run_day(run, FIRST)

        assert (state.status, state.rows_accepted) == (Status.OK, ROWS)
        assert [metric_of(run, FIRST, metric) for metric in ("label_coverage", "accuracy")] == [1, 1]


def test_column_that_is_not_monitored_may_be_missing(tmp_path):
    archive = BaseArchive(tmp_path, ("    country:", "    note: {{type: string, role: ignored}}\n    country:"))
    archive.write_day(FIRST)

    with archive.opened() as run:
        state = run_day(run, FIRST)

    assert (state.status, state.message) == (Status.OK, "")
