"""Fields of the envelope: records of any file as one table, whatever the system calls them."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.archive.envelopes.records import find_column
from airflow_mlmon.archive.envelopes.reserved import FILE, SAMPLING
from airflow_mlmon.archive.envelopes.systems import System

_FIELDS = ("id", "time", "kind", "scope", "status", SAMPLING)
_PARTS = tuple(f"{body}_{part}" for body in ("request", "response", "body") for part in ("data", "encoding", "type"))
_MOMENT = pa.timestamp("us", tz="UTC")
_EPOCH = r"^[0-9]+(\.[0-9]*)?$"
_ZONED = r"(Z|z|[+-][0-9]{2}:?[0-9]{2})$"
# seconds, milliseconds and microseconds of the years 1973 to 5138 do not overlap
_UNITS = ((1e11, 1e6), (1e14, 1e3), (float("inf"), 1.0))

WriteTimes = Sequence[datetime | None]


def to_fields(
    table: pa.Table,
    system: System,
    own: Mapping[str, str],
    chosen: Mapping[str, str],
    modified: WriteTimes,
    *,
    origins: Mapping[int, str],
) -> pa.Table:
    """Return the fields of records, null where a record has none, and the number of their file.

    Args:
        table: The records, with the number of their file.
        system: Their description.
        own: Further field that each column takes.
        chosen: Path of a field that the spec prefers to the other ones.
        modified: Time of the last write of each file, for records without a time.
        origins: Path of each file, for records without their topic.
    """
    columns: dict[str, pa.ChunkedArray] = {}
    for name in (*_FIELDS, *_PARTS):
        paths = system.fields.get(name, ())
        first = [chosen[name]] if name in chosen else []
        found = [find_column(table, path) for path in (*first, *(path for path in paths if path not in first))]
        present = [values for values in found if values is not None]
        columns[name] = _read_time(present, table, modified) if name == "time" else _first(present, table)
    columns |= {f"own_{column}": _first(_present(table, field), table) for column, field in own.items()}
    if system.topic is not None:
        topics = _read_topics(table.column(FILE), system.topic, origins)
        columns |= {name: pc.coalesce(columns[name], topics) for name in ("kind", "scope")}
    return pa.table(columns | {FILE: table.column(FILE)})


def count_unsampled(rows: pa.Table) -> float:
    """Count the rows that rows stand for, by the fraction of the requests that is logged; 1 where it is not known."""
    fractions = pc.fill_null(rows.column(SAMPLING).cast(pa.float64()), 1.0)
    return float(pc.sum(pc.divide(1.0, pc.if_else(pc.greater(fractions, 0.0), fractions, 1.0)), min_count=0).as_py())


def _present(table: pa.Table, field: str) -> list[pa.ChunkedArray]:
    found = find_column(table, field)
    return [] if found is None else [found]


def _first(found: Sequence[pa.ChunkedArray], table: pa.Table) -> pa.ChunkedArray:
    """Return the texts of the first column that has one, row by row."""
    texts = [_to_text(values) for values in found]
    return pc.coalesce(*texts) if texts else pa.chunked_array([pa.nulls(table.num_rows, pa.string())])


def _to_text(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    texts = (
        _read_bytes(values)
        if pa.types.is_binary(values.type) or pa.types.is_large_binary(values.type)
        else values.cast(pa.string(), safe=False)
    )
    return pc.if_else(pc.equal(texts, ""), None, texts)


def _read_bytes(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return bytes as text; those of a column that is not all text in base64, as JSON would have them."""
    try:
        return values.cast(pa.string())
    except pa.ArrowInvalid:
        packed = [None if own is None else base64.b64encode(own).decode() for own in values.to_pylist()]
        return pa.chunked_array([pa.array(packed, pa.string())])


def _read_topics(files: pa.ChunkedArray, pattern: re.Pattern[str], origins: Mapping[int, str]) -> pa.ChunkedArray:
    numbers = pc.unique(files)
    found = [pattern.search(origins[number]) for number in numbers.to_pylist()]
    return pa.array([one and one[0] for one in found], pa.string()).take(pc.index_in(files, numbers))


def _read_time(found: Sequence[pa.ChunkedArray], table: pa.Table, modified: WriteTimes) -> pa.ChunkedArray:
    moments = [read_moments(values) for values in found]
    last = pa.array(modified, _MOMENT).take(table.column(FILE))
    return pc.coalesce(*moments, last)


def are_numbers(values: pa.ChunkedArray) -> bool:
    """Return whether times are numbers, or texts of numbers."""
    if pa.types.is_timestamp(values.type):
        return False
    return bool(pc.all(pc.match_substring_regex(_to_text(values), _EPOCH), min_count=0).as_py())


def read_moments(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Read times of a system that writes UTC: timestamps, ISO texts, or numbers since 1970; null if it is none."""
    if pa.types.is_timestamp(values.type):
        whole = values.cast(pa.timestamp("us", tz=values.type.tz), safe=False)
        return whole.cast(_MOMENT) if values.type.tz else pc.assume_timezone(whole, "UTC")
    if pa.types.is_date(values.type):
        return pc.assume_timezone(values.cast(pa.timestamp("us")), "UTC")
    texts = _to_text(values)
    is_epoch = pc.match_substring_regex(texts, _EPOCH)
    numbers = pc.if_else(is_epoch, texts, None).cast(pa.float64())
    scale = pa.chunked_array([pa.repeat(0.0, len(texts))])
    for limit, factor in reversed(_UNITS):
        scale = pc.if_else(pc.less(numbers, limit), factor, scale)
    since = pc.round(pc.multiply(numbers, scale)).cast(pa.int64(), safe=False).cast(_MOMENT)
    zoned = pc.if_else(pc.match_substring_regex(texts, _ZONED), texts, pc.binary_join_element_wise(texts, "Z", ""))
    return pc.coalesce(since, _parse(pc.if_else(is_epoch, None, zoned)))


def _parse(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    nanoseconds = pa.timestamp("ns", tz="UTC")
    try:
        return texts.cast(nanoseconds).cast(_MOMENT, safe=False)
    except pa.ArrowInvalid:
        parsed = [_parse_one(text) for text in texts.to_pylist()]
        return pa.chunked_array([pa.array(parsed, _MOMENT)])


def _parse_one(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError:
        return None


def add_sampling(table: pa.Table, sampling: float | None) -> pa.Table:
    """Add the fraction of the requests that is logged, where it is the same for all."""
    if sampling is None or SAMPLING in table.column_names:
        return table
    return table.append_column(SAMPLING, pa.repeat(str(sampling), table.num_rows))
