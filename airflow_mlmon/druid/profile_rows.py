"""Rows of `<model>_profiles`: every count of a profile in a row of its own, so that sums over days are valid.

The counts of a column add up to its rows, and those of the parts of a segment to all rows. A number always has
its grid cell, also where it was counted by itself, so that days counted in either way add up by cell.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from airflow_mlmon.druid.flags import Flag
from airflow_mlmon.partition import Partition
from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.distribution import Distribution
from airflow_mlmon.profiles.columns.grid import LAST_CELL, to_bounds, to_cells
from airflow_mlmon.profiles.columns.identifier import IdentifierProfile
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.columns.vector import VectorProfile
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.profiles.schema import ColumnSchema
from airflow_mlmon.statistics.arrays import Floats

# the 15 digits of a double, of which adding and subtracting the centre may affect the last
_DIGITS = 14
_LARGEST_EXACT_POWER = 22
SCHEMA = pa.schema(
    [
        ("time", pa.timestamp("us", "UTC")),
        ("column", pa.string()),
        ("segment", pa.string()),
        ("kind", pa.string()),
        ("value", pa.string()),
        ("number", pa.float64()),
        ("cell", pa.int64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("count", pa.int64()),
        ("schema", pa.string()),
        ("version", pa.string()),
    ]
)


class CellKind(StrEnum):
    """Property shared by the rows that are counted together."""

    NULL = "null"
    NAN = Flag.NAN
    POSITIVE_INFINITY = Flag.POSITIVE_INFINITY
    NEGATIVE_INFINITY = Flag.NEGATIVE_INFINITY
    VALUE = "value"
    BUCKET = "bucket"
    CELL = "cell"
    IDENTIFIER = "identifier"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    """Counts of one kind, with their attributes: None where they do not apply."""

    kind: CellKind
    counts: npt.NDArray[np.int64]
    known: Mapping[str, pa.Array]


def profile_rows(partition: Partition, profile: Profile, *, version: str, columns: Collection[str]) -> pa.Table:
    """Build the rows of the profile of a partition, at its start.

    Args:
        partition: day of the profile.
        profile: profile of the partition.
        version: version of the curated rows.
        columns: columns that may be shown; others are left out, and so are the segments that they divide.
    """
    constant = {"time": partition.start, "schema": profile.schema_id, "version": version}
    batches = [
        _batch(found, constant | {"column": name, "segment": key})
        for key, parts in _parts(profile, columns)
        for name, column in parts.items()
        if name in columns
        for found in _count(column)
        if len(found.counts)
    ]
    return pa.Table.from_batches(batches, SCHEMA).combine_chunks()


def _parts(profile: Profile, columns: Collection[str]) -> Iterator[tuple[str | None, Mapping[str, ColumnProfile]]]:
    """Yield the columns of all rows and of each part of them, with the key of the part."""
    yield None, profile.columns
    for segment in profile.segments.values():
        if set(segment.schema.columns) <= set(columns):
            yield from ((key, part.columns) for key, part in segment.by_key().items())


def _batch(found: _Counted, constant: Mapping[str, object]) -> pa.RecordBatch:
    rows = len(found.counts)
    constant = {**constant, "kind": found.kind.value}
    arrays = {**found.known, "count": pa.array(found.counts)}
    columns = [
        arrays[field.name] if field.name in arrays else pa.repeat(pa.scalar(constant.get(field.name), field.type), rows)
        for field in SCHEMA
    ]
    return pa.record_batch(columns, SCHEMA)


def _count(column: ColumnProfile) -> Iterator[_Counted]:
    match column:
        case NumericProfile():
            yield from _count_numbers(column)
        case CategoryProfile():
            yield _number(CellKind.NULL, column.nulls)
            values = pa.array(column.schema.vocabulary, pa.string()).take(pa.array(column.known.keys))
            yield _Counted(kind=CellKind.VALUE, counts=column.known.counts, known={"value": values})
            buckets = pa.array(column.unseen.keys.astype(np.int64))
            yield _Counted(kind=CellKind.BUCKET, counts=column.unseen.counts, known={"cell": buckets})
        case IdentifierProfile():
            yield _number(CellKind.NULL, column.nulls)
            yield _number(CellKind.IDENTIFIER, column.observed)
        case VectorProfile():
            yield from _count_numbers(column.norm)
            yield _number(CellKind.MALFORMED, column.malformed)


def _count_numbers(column: NumericProfile) -> Iterator[_Counted]:
    yield _number(CellKind.NULL, column.nulls)
    yield _number(CellKind.NAN, column.nans)
    yield _number(CellKind.POSITIVE_INFINITY, column.positive_infinities)
    yield _number(CellKind.NEGATIVE_INFINITY, column.negative_infinities)
    yield from _count_cells(column.schema, column.distribution)


def _count_cells(schema: ColumnSchema, found: Distribution) -> Iterator[_Counted]:
    single = found.values if found.is_exact else found.atoms
    numbers = {"number": pa.array(_to_values(schema.centre, single.keys))}
    yield _Counted(kind=CellKind.CELL, counts=single.counts, known=numbers | _bounds(schema, to_cells(single.keys)))
    if not found.is_exact:
        rest = found.without_atoms()
        yield _Counted(kind=CellKind.CELL, counts=rest.counts, known=_bounds(schema, rest.keys))


def _bounds(schema: ColumnSchema, cells: npt.NDArray[np.integer]) -> dict[str, pa.Array]:
    """Return the cells and their bounds as values; the outermost cells are open."""
    low, high = (schema.centre + bound for bound in to_bounds(cells))
    return {
        "cell": pa.array(cells.astype(np.int64)),
        "low": pa.array(low, mask=cells == -LAST_CELL),
        "high": pa.array(high, mask=cells == LAST_CELL),
    }


def _to_values(centre: float, deviations: Floats) -> Floats:
    """Convert deviations to values, without the digits that the subtraction affected.

    >>> _to_values(10.11, np.array([12.37 - 10.11])).tolist()
    [12.37]
    """
    values = centre + deviations
    magnitudes = np.maximum(np.abs(values), abs(centre))
    with np.errstate(divide="ignore"):
        powers = _DIGITS - np.floor(np.log10(magnitudes))
    is_exact = (powers >= 0) & (powers <= _LARGEST_EXACT_POWER) & (centre != 0)
    scales = 10.0 ** np.where(is_exact, powers, 0)
    return np.where(is_exact, np.rint(values * scales) / scales, values)


def _number(kind: CellKind, rows: int) -> _Counted:
    return _Counted(kind=kind, counts=np.array([rows] if rows else [], dtype=np.int64), known={})
