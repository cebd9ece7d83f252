"""Segments of a profile: the same summary for the rows that share a value.

A segment divides the rows of a profile: each row is in the part of its value or in the rest, so that the parts
and the rest add up to the whole. The parts are the pinned values of a column or, for the model version, all
values that occur. More than 50 versions are not treated as versions: the segment then has no parts,
whatever was added first, so that addition stays associative.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from airflow_mlmon.profiles.columns.column import ColumnProfile, empty_column, sum_columns
from airflow_mlmon.profiles.keys import segment_key
from airflow_mlmon.profiles.schema import ColumnSchema, SegmentSchema

MAX_PARTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Profiles of the columns of some rows."""

    rows: int
    columns: Mapping[str, ColumnProfile]


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Rows of a profile divided by value.

    Attributes:
        schema: Columns that divide the rows, and their pinned values.
        parts: Part of each value that has rows.
        rest: Rows without a value or with another value.
        is_collapsed: Whether there were too many values; all rows are then in the rest.
    """

    schema: SegmentSchema
    parts: Mapping[str, Part]
    rest: Part
    is_collapsed: bool = False

    def __post_init__(self) -> None:
        """Make the parts read-only."""
        object.__setattr__(self, "parts", MappingProxyType(dict(self.parts)))

    def by_key(self) -> dict[str, Part]:
        """Return the parts that have rows, and the rest, by segment key."""
        named = {segment_key(self.schema.name, value): part for value, part in self.parts.items()}
        return named | ({segment_key(self.schema.name, None): self.rest} if self.rest.rows else {})


def empty_part(columns: Iterable[ColumnSchema]) -> Part:
    """Return the part of no rows."""
    return Part(rows=0, columns={column.name: empty_column(column) for column in columns})


def is_too_many(schema: SegmentSchema, values: Iterable[str | None]) -> bool:
    """Return whether a segment without pinned values has too many of them for parts."""
    return schema.values is None and len(set(values) - {None}) > MAX_PARTS


def build_undivided(schema: SegmentSchema, counts: Mapping[str | None, int], whole: Part) -> Segment | None:
    """Build the segment from the counts of its values, without rows; None where rows must be divided.

    No row is needed if all rows share one value, none has any, or there are too many values.
    """
    values = [value for value, count in counts.items() if count]
    if is_too_many(schema, values):
        return Segment(schema=schema, parts={}, rest=whole, is_collapsed=True)
    if len(values) > 1:
        return None
    nothing = empty_part(column.schema for column in whole.columns.values())
    if values and values[0] is not None:
        return Segment(schema=schema, parts={values[0]: whole}, rest=nothing)
    return Segment(schema=schema, parts={}, rest=whole)


def build_divided(schema: SegmentSchema, parts: Mapping[str | None, Part], columns: Iterable[ColumnSchema]) -> Segment:
    """Build the segment from the parts of its values; None stands for the rest."""
    named = {value: part for value, part in parts.items() if value is not None}
    return Segment(schema=schema, parts=named, rest=parts.get(None) or empty_part(columns))


def sum_segments(segments: Sequence[Segment], whole: Part) -> Segment:
    """Sum one or more segments of profiles whose sum is `whole`."""
    schema = segments[0].schema
    values = sorted({value for segment in segments for value in segment.parts})
    if any(segment.is_collapsed for segment in segments) or is_too_many(schema, values):
        return Segment(schema=schema, parts={}, rest=whole, is_collapsed=True)
    parts = {
        value: _of_whole([segment.parts[value] for segment in segments if value in segment.parts], whole)
        for value in values
    }
    return Segment(schema=schema, parts=parts, rest=_of_whole([segment.rest for segment in segments], whole))


def sum_parts(parts: Sequence[Part]) -> Part:
    """Sum one or more parts."""
    columns = {name: sum_columns(part.columns[name] for part in parts) for name in parts[0].columns}
    return Part(rows=sum(part.rows for part in parts), columns=columns)


def _of_whole(parts: Sequence[Part], whole: Part) -> Part:
    # a part with every row is the whole: most partitions have one model version
    is_whole = sum(part.rows for part in parts) == whole.rows
    return whole if is_whole else sum_parts([part for part in parts if part.rows] or parts[:1])
