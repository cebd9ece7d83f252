"""Profile of a table: a summary of rows whose sum is again a profile.

    profile(A) + profile(B) == profile(A and B)

bit for bit, for any split and any order of the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import Self

from airflow_mlmon.errors import ProfileSchemaMismatchError
from airflow_mlmon.profiles.codec import codec
from airflow_mlmon.profiles.columns.column import ColumnProfile, sum_columns
from airflow_mlmon.profiles.columns.segment import Part, Segment, empty_part, sum_segments
from airflow_mlmon.profiles.hours import Hours, sum_hours
from airflow_mlmon.profiles.schema import ProfileSchema

_HELD = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Profile of the rows of a table, column by column.

    Attributes:
        schema_id: Id of its profile schema.
        rows: Number of rows.
        columns: Column profiles by name.
        segments: Segments by name; a part has none.
        hours: Rows and values by hour of event time; None if unknown, of no rows, and of a part.
    """

    schema_id: str
    rows: int
    columns: Mapping[str, ColumnProfile]
    segments: Mapping[str, Segment] = field(default_factory=dict)
    hours: Hours | None = None

    def __post_init__(self) -> None:
        """Make the columns and the segments read-only."""
        object.__setattr__(self, "columns", MappingProxyType(dict(self.columns)))
        object.__setattr__(self, "segments", MappingProxyType(dict(self.segments)))

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle as bytes, because a read-only mapping cannot be pickled."""
        return Profile.from_bytes, (self.to_bytes(),)

    @classmethod
    def empty(cls, schema: ProfileSchema) -> Self:
        """Return the profile of no rows, the neutral element of addition."""
        nothing = empty_part(schema.columns)
        segments = {pinned.name: Segment(schema=pinned, parts={}, rest=nothing) for pinned in schema.segments}
        return cls(schema_id=schema.id, rows=0, columns=nothing.columns, segments=segments)

    def __add__(self, other: Profile) -> Profile:
        """Sum two profiles.

        Raises:
            ProfileSchemaMismatchError: their profile schemas differ.
        """
        return _sum(self.schema_id, (self, other))

    def to_bytes(self) -> bytes:
        """Encode the profile as bytes that are the same on every platform."""
        return codec.encode(self.schema_id, self.rows, self.columns, self.segments, hours=self.hours)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Decode the profile that `to_bytes` wrote.

        Raises:
            StateError: the bytes are not a profile, are damaged, or have a later format.
        """
        schema_id, whole, segments, hours = codec.decode(data)
        return cls(schema_id=schema_id, rows=whole.rows, columns=whole.columns, segments=segments, hours=hours)

    def part(self, segment: str, value: str) -> Profile | None:
        """Return the profile of the rows of one value of a segment; None if no row has it."""
        found = self.segments[segment].parts.get(value) if segment in self.segments else None
        return Profile(schema_id=self.schema_id, rows=found.rows, columns=found.columns) if found else None


def sum_profiles(schema: ProfileSchema, profiles: Iterable[Profile]) -> Profile:
    """Sum any number of profiles, holding only some of them at a time; none gives the empty profile.

    Raises:
        ProfileSchemaMismatchError: one of them has another profile schema.
    """
    total, rest = Profile.empty(schema), iter(profiles)
    while some := tuple(islice(rest, _HELD)):
        total = _sum(schema.id, (total, *some))
    return total


def _sum(schema_id: str, profiles: tuple[Profile, ...]) -> Profile:
    for profile in profiles:
        if profile.schema_id != schema_id:
            raise ProfileSchemaMismatchError(
                f"A profile of schema {profile.schema_id} cannot be added to profiles of schema {schema_id}.",
                hint="rebuild the profile from its curated partition",
                schema=profile.schema_id,
                expected=schema_id,
            )
    columns = {name: sum_columns(profile.columns[name] for profile in profiles) for name in profiles[0].columns}
    whole = Part(rows=sum(profile.rows for profile in profiles), columns=columns)
    segments = {
        name: sum_segments([profile.segments[name] for profile in profiles], whole)
        for name in profiles[0].segments
        # a part has no segments of its own, hence neither has a sum with one
        if all(name in profile.segments for profile in profiles)
    }
    hours = _sum_hours([profile.hours for profile in profiles if profile.rows])
    return Profile(schema_id=schema_id, rows=whole.rows, columns=columns, segments=segments, hours=hours)


def _sum_hours(parts: Sequence[Hours | None]) -> Hours | None:
    known = [part for part in parts if part is not None]
    return sum_hours(known) if known and len(known) == len(parts) else None
