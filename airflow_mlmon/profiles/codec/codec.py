"""Encoding of a profile: the pinned schema of its columns, the counts, then the parts of each segment.

Format 2 added the sketches of distinct values, and identifiers; format 3 the segments, and vectors; format 4 the
hours, and of the values outside the vocabulary how many are new. Older formats are read, never written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from functools import lru_cache
from types import MappingProxyType

import numpy as np

from airflow_mlmon.profiles.codec.framing import ByteReader, ByteWriter
from airflow_mlmon.profiles.codec.hours import read_hours, write_hours
from airflow_mlmon.profiles.columns.category import CategoryProfile, Names
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.dimensions import DimensionSums
from airflow_mlmon.profiles.columns.distribution import Distribution
from airflow_mlmon.profiles.columns.identifier import IdentifierProfile
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.columns.segment import Part, Segment, empty_part
from airflow_mlmon.profiles.columns.sketch import DistinctSketch
from airflow_mlmon.profiles.columns.tally import Tally
from airflow_mlmon.profiles.columns.vector import VectorProfile
from airflow_mlmon.profiles.hours import Hours
from airflow_mlmon.profiles.schema import ColumnSchema, Kind, ProfileSchema, SegmentSchema

KIND = b"MLMP"
VERSION = 4
_WITH_SKETCHES = 2
_WITH_NEW_ROWS = 4
_WITH_HOURS = 4
_NO_POINTS = Tally.empty(np.float64)
_NO_STEPS = Tally.empty(np.int32)


class _Stored(IntEnum):
    """Storage form of a part's columns."""

    HERE = 0
    AS_WHOLE = 1
    NOWHERE = 2


def encode(
    schema_id: str,
    rows: int,
    columns: Mapping[str, ColumnProfile],
    segments: Mapping[str, Segment] = MappingProxyType({}),
    *,
    hours: Hours | None = None,
    names: bool = True,
) -> bytes:
    """Encode a profile; without `names`, equal profiles give equal bytes."""
    writer = ByteWriter()
    writer.text(schema_id)
    pinned = tuple(segment.schema for segment in segments.values())
    writer.text(
        ProfileSchema(model="", columns=tuple(column.schema for column in columns.values()), segments=pinned).to_json()
    )
    writer.integer(rows)
    _write_columns(writer, columns, names=names)
    for segment in segments.values():
        writer.integer(segment.is_collapsed)
        writer.integer(len(segment.parts))
        for value in sorted(segment.parts):
            writer.text(value)
            _write_part(writer, segment.parts[value], rows, names=names)
        _write_part(writer, segment.rest, rows, names=names)
    write_hours(writer, hours)
    return writer.seal(KIND, VERSION)


def _write_columns(writer: ByteWriter, columns: Mapping[str, ColumnProfile], *, names: bool) -> None:
    for column in columns.values():
        write_column(writer, column, names=names)
        if isinstance(column, CategoryProfile):
            # here and not with the column, which other formats hold too
            writer.integer(column.new_rows)
            _write_names(writer, column.further_names if names else ())


def write_column(writer: ByteWriter, column: ColumnProfile, *, names: bool = True) -> None:
    """Write the profile of one column without its profile schema."""
    if isinstance(column, NumericProfile):
        _write_numeric(writer, column)
    elif isinstance(column, CategoryProfile):
        _write_category(writer, column, names=names)
    elif isinstance(column, VectorProfile):
        _write_vector(writer, column)
    else:
        _write_identifier(writer, column)


def _write_part(writer: ByteWriter, part: Part, whole: int, *, names: bool) -> None:
    # a part with every row is the whole, and one without rows is empty
    stored = _Stored.AS_WHOLE if part.rows == whole else _Stored.HERE if part.rows else _Stored.NOWHERE
    writer.integer(stored)
    if stored is _Stored.HERE:
        writer.integer(part.rows)
        _write_columns(writer, part.columns, names=names)


def decode(data: bytes) -> tuple[str, Part, dict[str, Segment], Hours | None]:
    """Decode profile schema id, all rows, segments, and hours of the profile that `encode` wrote.

    Raises:
        StateError: the bytes are not a profile, are damaged, or have a later format.
    """
    reader = ByteReader(data, KIND, VERSION)
    schema_id = reader.text()
    schema = _read_schema(reader.text())
    whole = _read_columns(reader, schema, rows=reader.integer())
    segments = {segment.name: _read_segment(reader, schema, segment, whole) for segment in schema.segments}
    return schema_id, whole, segments, read_hours(reader, schema) if reader.version >= _WITH_HOURS else None


def read_column(reader: ByteReader, schema: ColumnSchema) -> ColumnProfile:
    """Read the profile of a column that `write_column` wrote; all values outside the vocabulary are new to it."""
    return _READERS[schema.kind](reader, schema)


def _read_columns(reader: ByteReader, schema: ProfileSchema, rows: int) -> Part:
    columns: dict[str, ColumnProfile] = {}
    with_new_rows = reader.version >= _WITH_NEW_ROWS
    for pinned in schema.columns:
        if pinned.kind is Kind.CATEGORY:
            columns[pinned.name] = _read_category(reader, pinned, with_new_rows=with_new_rows)
        else:
            columns[pinned.name] = read_column(reader, pinned)
    return Part(rows=rows, columns=columns)


def _read_segment(reader: ByteReader, schema: ProfileSchema, pinned: SegmentSchema, whole: Part) -> Segment:
    is_collapsed = bool(reader.integer())
    parts = {reader.text(): _read_part(reader, schema, whole) for _ in range(reader.integer())}
    rest = _read_part(reader, schema, whole)
    return Segment(schema=pinned, parts=parts, rest=rest, is_collapsed=is_collapsed)


def _read_part(reader: ByteReader, schema: ProfileSchema, whole: Part) -> Part:
    stored = _Stored(reader.integer())
    if stored is _Stored.AS_WHOLE:
        return whole
    if stored is _Stored.NOWHERE:
        return empty_part(schema.columns)
    return _read_columns(reader, schema, rows=reader.integer())


@lru_cache(maxsize=16)
def _read_schema(text: str) -> ProfileSchema:
    # The days of one model repeat their schema; they share it in memory too.
    return ProfileSchema.from_json(text)


def _write_numeric(writer: ByteWriter, column: NumericProfile) -> None:
    for count in (column.rows, column.nulls, column.nans, column.positive_infinities, column.negative_infinities):
        writer.integer(count)
    writer.number(column.min)
    writer.number(column.max)
    writer.integer(column.total)
    writer.integer(column.squares)
    _write_points(writer, column.distribution.values)
    write_steps(writer, column.distribution.cells)
    _write_points(writer, column.distribution.atoms)


def _read_numeric(reader: ByteReader, schema: ColumnSchema) -> NumericProfile:
    rows, nulls, nans, above, below, low, high, total, squares = reader.values("iiiiinnii")
    values, cells, atoms = _read_points(reader), read_steps(reader), _read_points(reader)
    distribution = Distribution(
        pinned_atoms=schema.atoms, is_exact=not len(cells), values=values, cells=cells, atoms=atoms
    )
    return NumericProfile(
        schema=schema,
        rows=rows,
        nulls=nulls,
        nans=nans,
        positive_infinities=above,
        negative_infinities=below,
        min=low,
        max=high,
        total=total,
        squares=squares,
        distribution=distribution,
    )


def _write_category(writer: ByteWriter, column: CategoryProfile, *, names: bool) -> None:
    writer.integer(column.rows)
    writer.integer(column.nulls)
    write_steps(writer, column.known)
    write_steps(writer, column.unseen)
    writer.blob(column.sketch.data if column.sketch else b"")
    _write_names(writer, column.names if names else ())


def _read_category(reader: ByteReader, schema: ColumnSchema, *, with_new_rows: bool = False) -> CategoryProfile:
    rows, nulls = reader.values("ii")
    known, unseen = read_steps(reader), read_steps(reader)
    sketch = _read_sketch(reader) if reader.version >= _WITH_SKETCHES else None
    names = _read_names(reader)
    return CategoryProfile(
        schema=schema,
        rows=rows,
        nulls=nulls,
        known=known,
        unseen=unseen,
        sketch=sketch,
        new_rows=reader.integer() if with_new_rows else unseen.rows,
        names=names,
        further_names=_read_names(reader) if with_new_rows else (),
    )


def _write_names(writer: ByteWriter, names: Names) -> None:
    writer.integer(len(names))
    for name, count in names:
        writer.text(name)
        writer.integer(count)


def _read_names(reader: ByteReader) -> Names:
    names = reader.integer()
    if not names:
        return ()
    found = reader.values("bi" * names)
    return tuple((name.decode(), count) for name, count in zip(found[::2], found[1::2], strict=True))


def _write_identifier(writer: ByteWriter, column: IdentifierProfile) -> None:
    writer.integer(column.rows)
    writer.integer(column.nulls)
    writer.blob(column.sketch.data)


def _read_identifier(reader: ByteReader, schema: ColumnSchema) -> IdentifierProfile:
    rows, nulls, data = reader.values("iib")
    return IdentifierProfile(schema=schema, rows=rows, nulls=nulls, sketch=DistinctSketch(data=data))


def _write_vector(writer: ByteWriter, column: VectorProfile) -> None:
    _write_numeric(writer, column.norm)
    writer.integer(column.malformed)
    sums = column.dimensions
    writer.integer(sums.rows)
    if sums.rows:
        writer.integers(sums.totals)
        writer.integers(sums.squares)
        writer.numbers(sums.lows)
        writer.numbers(sums.highs)


def _read_vector(reader: ByteReader, schema: ColumnSchema) -> VectorProfile:
    norm, malformed, rows = _read_numeric(reader, schema), reader.integer(), reader.integer()
    sums = DimensionSums()
    if rows:
        totals, squares = reader.integers(), reader.integers()
        sums = DimensionSums(rows=rows, totals=totals, squares=squares, lows=reader.numbers(), highs=reader.numbers())
    return VectorProfile(schema=schema, norm=norm, malformed=malformed, dimensions=sums)


def _read_sketch(reader: ByteReader) -> DistinctSketch | None:
    data = reader.blob()
    return DistinctSketch(data=data) if data else None


_READERS: Mapping[Kind, Callable[[ByteReader, ColumnSchema], ColumnProfile]] = {
    Kind.NUMERIC: _read_numeric,
    Kind.CATEGORY: _read_category,
    Kind.IDENTIFIER: _read_identifier,
    Kind.VECTOR: _read_vector,
}


def _write_points(writer: ByteWriter, tally: Tally) -> None:
    writer.array(tally.keys, "<f8")
    writer.counts(tally.counts)


def _read_points(reader: ByteReader) -> Tally:
    if reader.skip_empty(2):
        return _NO_POINTS
    return Tally(keys=reader.array(np.float64), counts=reader.array(np.int64))


def write_steps(writer: ByteWriter, tally: Tally) -> None:
    """Write a tally of integer keys: the first key, the steps between keys, the counts."""
    writer.integer(int(tally.keys[0]) if len(tally) else 0)
    writer.counts(tally.keys[1:].astype(np.int64) - tally.keys[:-1])
    writer.counts(tally.counts)


def read_steps(reader: ByteReader) -> Tally:
    """Read the tally that `write_steps` wrote."""
    keys, counts = reader.steps()
    return Tally(keys=keys, counts=counts) if len(keys) else _NO_STEPS
