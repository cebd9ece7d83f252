"""The profile of a table: a summary of rows of which the sum is again a profile.

    profile(A) + profile(B) == profile(A and B)

bit for bit, for any split and any order of the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import Self

from airflow_mlmon.errors import LayoutMismatchError
from airflow_mlmon.profiles.codec import codec
from airflow_mlmon.profiles.columns.column import ColumnProfile, sum_columns
from airflow_mlmon.profiles.columns.segment import Part, Segment, empty_part, sum_segments
from airflow_mlmon.profiles.layout import Layout

_HELD = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What is kept of the rows of a table, column by column.

    Attributes:
        layout_id: The layout under which it was made.
        rows: How many rows there are.
        columns: Each column, by name.
        segments: The same of each part of the rows, by the segment's name; none of a part itself.
    """

    layout_id: str
    rows: int
    columns: Mapping[str, ColumnProfile]
    segments: Mapping[str, Segment] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Lock the columns and the segments."""
        object.__setattr__(self, "columns", MappingProxyType(dict(self.columns)))
        object.__setattr__(self, "segments", MappingProxyType(dict(self.segments)))

    def __reduce__(self) -> tuple[object, ...]:
        """Cross a process border as bytes, because a locked mapping cannot be pickled."""
        return Profile.from_bytes, (self.to_bytes(),)

    @classmethod
    def empty(cls, layout: Layout) -> Self:
        """The profile of no rows, which changes nothing when it is added."""
        nothing = empty_part(layout.columns)
        segments = {pinned.name: Segment(layout=pinned, parts={}, rest=nothing) for pinned in layout.segments}
        return cls(layout_id=layout.id, rows=0, columns=nothing.columns, segments=segments)

    def __add__(self, other: Profile) -> Profile:
        """The profile of the rows of both.

        Raises:
            LayoutMismatchError: they were made under different layouts.
        """
        return _sum(self.layout_id, (self, other))

    def to_bytes(self) -> bytes:
        """The profile as bytes that are the same on every platform."""
        return codec.encode(self.layout_id, self.rows, self.columns, self.segments)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The profile that `to_bytes` wrote.

        Raises:
            StateError: the bytes are no profile, damaged, or of a later format.
        """
        layout_id, whole, segments = codec.decode(data)
        return cls(layout_id=layout_id, rows=whole.rows, columns=whole.columns, segments=segments)

    def part(self, segment: str, value: str) -> Profile | None:
        """The profile of the rows of one value of a segment; None where no row has it."""
        found = self.segments[segment].parts.get(value) if segment in self.segments else None
        return Profile(layout_id=self.layout_id, rows=found.rows, columns=found.columns) if found else None


def sum_profiles(layout: Layout, profiles: Iterable[Profile]) -> Profile:
    """The profile of all the rows of any number of profiles, also of none; only some of them are held at a time.

    Raises:
        LayoutMismatchError: one of them was made under another layout.
    """
    total, rest = Profile.empty(layout), iter(profiles)
    while some := tuple(islice(rest, _HELD)):
        total = _sum(layout.id, (total, *some))
    return total


def _sum(layout_id: str, profiles: tuple[Profile, ...]) -> Profile:
    for profile in profiles:
        if profile.layout_id != layout_id:
            raise LayoutMismatchError(
                f"A profile of layout {profile.layout_id} cannot be added to profiles of layout {layout_id}.",
                hint="make the profile again from its curated partition",
                layout=profile.layout_id,
                expected=layout_id,
            )
    columns = {name: sum_columns(profile.columns[name] for profile in profiles) for name in profiles[0].columns}
    whole = Part(rows=sum(profile.rows for profile in profiles), columns=columns)
    segments = {
        name: sum_segments([profile.segments[name] for profile in profiles], whole)
        for name in profiles[0].segments
        # a part has no segments of its own, hence a sum with one has none
        if all(name in profile.segments for profile in profiles)
    }
    return Profile(layout_id=layout_id, rows=whole.rows, columns=columns, segments=segments)
