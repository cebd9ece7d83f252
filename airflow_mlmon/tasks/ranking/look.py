"""Recognition of a ranking's columns in a sample, for `mlmon init`."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.spec.choices import Role

# grades of relevance are few, and so are the rows of a page of results
_MOST_GRADES = 10
_LONGEST = 10_000
_REPEATED = 0.5


def is_of_ranking(role: Role | None, values: pa.ChunkedArray) -> bool:
    """Say whether values may be places, groups, items, scores, or with None as the role grades of relevance."""
    held = values.drop_null()
    if not len(held):
        return False
    if role is Role.RANK:
        return _is_whole(held) and _least(held) >= 0 and 0 < _largest(held) <= _LONGEST
    if role in (Role.GROUP, Role.ITEM):
        return _repeats(held) and not pa.types.is_floating(held.type)
    if role is Role.SCORE:
        return bool(pa.types.is_floating(held.type))
    return _is_whole(held) and _least(held) >= 0 and _largest(held) <= _MOST_GRADES


def _is_whole(values: pa.ChunkedArray) -> bool:
    if pa.types.is_integer(values.type):
        return True
    return bool(pa.types.is_floating(values.type)) and bool(pc.all(pc.equal(values, pc.floor(values))).as_py())


def _least(values: pa.ChunkedArray) -> float:
    return float(pc.min(values).as_py())


def _largest(values: pa.ChunkedArray) -> float:
    return float(pc.max(values).as_py())


def _repeats(values: pa.ChunkedArray) -> bool:
    kind = values.type
    is_named = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind)
    distinct = int(pc.count_distinct(values).as_py())
    return bool(is_named) and 1 < distinct <= _REPEATED * len(values)
