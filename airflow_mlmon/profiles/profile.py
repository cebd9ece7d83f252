"""The profile of a table: a summary of rows of which the sum is again a profile.

    profile(A) + profile(B) == profile(A and B)

bit for bit, for any split and any order of the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import Self

from airflow_mlmon.errors import LayoutMismatchError
from airflow_mlmon.profiles import codec
from airflow_mlmon.profiles.column import ColumnProfile, empty_column, sum_columns
from airflow_mlmon.profiles.layout import Layout

_HELD = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What is kept of the rows of a table, column by column."""

    layout_id: str
    rows: int
    columns: Mapping[str, ColumnProfile]

    def __post_init__(self) -> None:
        """Lock the columns."""
        object.__setattr__(self, "columns", MappingProxyType(dict(self.columns)))

    def __reduce__(self) -> tuple[object, ...]:
        """Cross a process border as bytes, because a locked mapping cannot be pickled."""
        return Profile.from_bytes, (self.to_bytes(),)

    @classmethod
    def empty(cls, layout: Layout) -> Self:
        """The profile of no rows, which changes nothing when it is added."""
        return cls(
            layout_id=layout.id, rows=0, columns={column.name: empty_column(column) for column in layout.columns}
        )

    def __add__(self, other: Profile) -> Profile:
        """The profile of the rows of both.

        Raises:
            LayoutMismatchError: they were made under different layouts.
        """
        return _sum(self.layout_id, (self, other))

    def to_bytes(self) -> bytes:
        """The profile as bytes that are the same on every platform."""
        return codec.encode(self.layout_id, self.rows, self.columns)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The profile that `to_bytes` wrote.

        Raises:
            StateError: the bytes are no profile, damaged, or of a later format.
        """
        layout_id, rows, columns = codec.decode(data)
        return cls(layout_id=layout_id, rows=rows, columns=columns)


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
    return Profile(layout_id=layout_id, rows=sum(profile.rows for profile in profiles), columns=columns)
