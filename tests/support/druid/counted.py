"""What a profile counts, in the terms of `<model>_profiles`, read from the profile itself."""

from __future__ import annotations

from collections import Counter

from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.columns.vector import VectorProfile
from airflow_mlmon.profiles.profile import Profile

# column, segment, kind, value and cell
Key = tuple[str, str | None, str, str | None, int | None]


def counted(profile: Profile) -> Counter[Key]:
    """Rows by what they share; numbers by their cell of the grid, also where they are counted one by one."""
    parts = [(None, profile.columns)]
    for segment in profile.segments.values():
        parts += [(key, part.columns) for key, part in segment.by_key().items()]
    found: Counter[Key] = Counter()
    for key, columns in parts:
        for name, column in columns.items():
            found.update({(name, key, *rest): rows for rest, rows in _counts(column).items() if rows})
    return found


def differing(found: Counter[Key], expected: Counter[Key]) -> list[tuple[Key, int, int]]:
    """The first few that are not the same: of all of them pytest would make a text without end."""
    keys = sorted(found.keys() | expected.keys(), key=repr)
    return [(key, found[key], expected[key]) for key in keys if found[key] != expected[key]][:5]


def _counts(column: ColumnProfile) -> dict[tuple[str, str | None, int | None], int]:
    if isinstance(column, VectorProfile):
        return _counts(column.norm) | {("malformed", None, None): column.malformed}
    found: dict[tuple[str, str | None, int | None], int] = {("null", None, None): column.nulls}
    if isinstance(column, NumericProfile):
        cells = column.distribution.to_grid().cells
        found |= {
            ("nan", None, None): column.nans,
            ("inf", None, None): column.positive_infinities,
            ("-inf", None, None): column.negative_infinities,
        }
        found |= {
            ("cell", None, cell): rows for cell, rows in zip(cells.keys.tolist(), cells.counts.tolist(), strict=True)
        }
    elif isinstance(column, CategoryProfile):
        found |= {("value", value, None): column.count_of(value) for value in column.schema.vocabulary}
        unseen = zip(column.unseen.keys.tolist(), column.unseen.counts.tolist(), strict=True)
        found |= {("bucket", None, bucket): rows for bucket, rows in unseen}
    else:
        found[("identifier", None, None)] = column.observed
    return found
