"""Laws of all conversions: nothing raises, what is refused is null, and pieces change nothing."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_mlmon.spec import Column, ColumnType
from airflow_mlmon.tables.schema import Conformed, arrow_schema, conform

MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ARRAYS = {
    "null": pa.nulls(3),
    "bool": pa.array([True, None, False]),
    "bool8": pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, None, 0], pa.int8())),
    "int8": pa.array([1, None, -7], pa.int8()),
    "uint64": pa.array([1, None, 2**64 - 1], pa.uint64()),
    "half": pa.array(np.array([1, 0.5, np.nan], dtype=np.float16)),
    "float": pa.array([1.0, None, 1e30], pa.float32()),
    "double": pa.array([float("-inf"), None, -(2.0**63)]),
    "decimal32": pa.array([Decimal("1.5"), None, Decimal(2)], pa.decimal32(5, 1)),
    "decimal128": pa.array([Decimal(-1), None, Decimal(10**37)], pa.decimal128(38, 0)),
    "decimal256": pa.array([Decimal(1), None, Decimal(10**70)], pa.decimal256(76, 5)),
    "scale-below-0": pa.array([Decimal(1200), None, Decimal(0)], pa.decimal128(4, -2)),
    "string": pa.array(["yes", None, "2026-03-01T00:00Z"]),
    "view": pa.array(["1e999", None, ""], pa.string_view()),
    "large": pa.array(["٣", None, "1_000"], pa.large_string()),
    "binary": pa.array([b"\xff", None, b"\0"]),
    "binary-view": pa.array([b"17", None, b"\xed\xa0\x80"], pa.binary_view()),
    "fixed": pa.array([b"ab", None, b"12"], pa.binary(2)),
    "uuid": pa.array([bytes(16), None, bytes(range(16))], pa.uuid()),
    "json": pa.ExtensionArray.from_storage(pa.json_(), pa.array(['"x"', None, "1"])),
    "dictionary": pa.array(["1", None, "x"]).dictionary_encode(),
    "dictionary-of-numbers": pa.array([1.5, None, 2.0]).dictionary_encode(),
    "date32": pa.array([date(1, 1, 1), None, date(9999, 12, 31)]),
    "date64": pa.array([date(1970, 1, 1), None, date(2026, 3, 1)], pa.date64()),
    "date-beyond": pa.array([2**31 - 1, None, -(2**31)], pa.int32()).cast(pa.date32()),
    "seconds": pa.array([2**63 - 1, None, -(2**63)]).cast(pa.timestamp("s")),
    "nanoseconds": pa.array([MOMENT, None, MOMENT], pa.timestamp("ns", "Asia/Tokyo")),
    "naive": pa.array([2**63 - 1, None, 1743300000000000]).cast(pa.timestamp("us")),
    "time": pa.array([time(1), None, time(2)]),
    "duration": pa.array([timedelta(1), None, timedelta(2)]),
    "interval": pa.array([(1, 2, 3), None, (1, 2, 3)], pa.month_day_nano_interval()),
    "list": pa.array([[1.5], None, []]),
    "list-of-texts": pa.array([["a"], None, []]),
    "long-list": pa.array([[2**60 + 1], None, [None]], pa.large_list(pa.int64())),
    "fixed-list": pa.array([[1, 2], None, [3, 4]], pa.list_(pa.uint64(), 2)),
    "list-view": pa.array([[1.5], None, []], pa.list_view(pa.float64())),
    "struct": pa.array([{"a": 1}, None, {"a": 2}]),
    "map": pa.array([[("a", 1)], None, []], pa.map_(pa.string(), pa.int8())),
    "run-ends": pa.RunEndEncodedArray.from_arrays([1, 2, 3], pa.array(["a", None, "b"])),
}
KINDS = {kind: Column(type=kind, dimension=2 if kind is ColumnType.VECTOR else None) for kind in ColumnType}
WORDS = [
    "1",
    "0",
    "-1.0",
    "1.5",
    "yes",
    "F",
    "2026-03-01",
    "2026-03-01T10:00Z",
    "1772323200",
    "x",
    "",
    " 1",
    "NaN",
    "é",
]


def read(values: pa.ChunkedArray, column: Column, timezone: str | None = None) -> Conformed:
    found = conform(pa.table({"x": values}), {"x": column}, timezone=timezone)
    found.table.validate(full=True)
    return found


@pytest.mark.parametrize("timezone", [None, "Europe/Berlin"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ARRAYS)
def test_any_type_is_read_or_refused_and_what_is_refused_is_null(name, kind, timezone):
    values = pa.chunked_array([ARRAYS[name], ARRAYS[name].slice(1, 2), ARRAYS[name].slice(0, 0)])

    table, faults, _ = read(values, KINDS[kind], timezone)

    wanted = arrow_schema({"x": KINDS[kind]}).field("x").type
    assert pa.unify_schemas([table.schema, pa.schema([("x", wanted)])], promote_options="permissive")
    found = table.column("x")
    refused = np.zeros(5, dtype=bool)
    for fault in faults:
        assert fault.rows.shape == (5,)
        assert not (refused & fault.rows).any()
        refused |= fault.rows
    assert not found.is_valid().to_numpy()[refused].any()


@given(st.lists(st.sampled_from([*WORDS, None]), min_size=1, max_size=6), st.sampled_from([*KINDS]))
def test_texts_are_read_alike_in_any_pieces(words, kind):
    if kind in {ColumnType.DECIMAL, ColumnType.VECTOR}:
        kind = ColumnType.INTEGER
    whole = read(pa.chunked_array([pa.array(words, pa.string())]), KINDS[kind], "UTC")
    parts = [read(pa.chunked_array([pa.array([word], pa.string())]), KINDS[kind], "UTC") for word in words]

    together = itertools.chain.from_iterable(part.table.column("x").to_pylist() for part in parts)
    assert str(whole.table.column("x").to_pylist()) == str(list(together))
    reasons = {(fault.reason, row) for fault in whole.faults for row in np.flatnonzero(fault.rows).tolist()}
    assert reasons == {(fault.reason, row) for row, part in enumerate(parts) for fault in part.faults}
    assert set(whole.notes) == {note for part in parts for note in part.notes}
