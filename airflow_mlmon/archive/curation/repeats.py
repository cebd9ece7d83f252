"""Detection of rows that repeat an id of their own day: by hashes first, then exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.archive.curation.hash_log import HashLog, find_doubled
from airflow_mlmon.archive.curation.spool import Positions, Spool
from airflow_mlmon.profiles.engine.id_hashes import hash_ids
from airflow_mlmon.statistics.arrays import Integers

KeyOf = Callable[[pa.Table], pa.ChunkedArray]

# distinct ids that are compared at a time; each takes about 200 bytes
_AT_ONCE = 1 << 20
_SEPARATOR, _NULL = "\x1f", "\x00"


class RepeatedRows(NamedTuple):
    """Ascending positions of rows that repeat the key of an earlier row, with the same or with other values."""

    equal: Positions
    other: Positions


def find_repeated_rows(rows: Spool, hashes: HashLog, ordered: Integers, keys: KeyOf) -> RepeatedRows:
    """Find all rows but the first of each key.

    Memory holds a million distinct keys at most; where more of them occur twice, the rows are read several times.

    Args:
        rows: the rows.
        hashes: the hashes of their keys.
        ordered: the same, ascending.
        keys: returns the key of each row of a table; null for none.
    """
    doubled = find_doubled(ordered)
    equal: list[int] = []
    other: list[int] = []
    for start in range(0, len(doubled), _AT_ONCE):
        first: dict[str, int] = {}
        for position, key, content in _suspects(rows, hashes.positions_of(doubled[start : start + _AT_ONCE]), keys):
            if key not in first:
                first[key] = content
            else:
                (equal if first[key] == content else other).append(position)
    return RepeatedRows(*(np.sort(np.array(found, dtype=np.int64)) for found in (equal, other)))


def hash_keys(keys: pa.ChunkedArray, start: int) -> Integers:
    """Hash keys; one that is null differs from all others.

    Args:
        keys: texts.
        start: position of the first.
    """
    if not keys.null_count:
        return hash_ids(keys)
    hashes = hash_ids(pc.fill_null(keys, ""))
    # hashes are not negative
    alone = -1 - np.arange(start, start + len(keys))
    return np.where(pc.is_null(keys).to_numpy(), alone, hashes)


def _suspects(rows: Spool, positions: Positions, keys: KeyOf) -> Iterator[tuple[int, str, int]]:
    for table, here in rows.blocks(at=positions):
        yield from zip(here.tolist(), keys(table).to_pylist(), hash_contents(table).tolist(), strict=True)


def hash_contents(table: pa.Table) -> Integers:
    """Hash the values of each row, but for those of vectors."""
    texts = [column.cast(pa.string()) for column in table.columns if not pa.types.is_nested(column.type)]
    joined = pc.binary_join_element_wise(*texts, _SEPARATOR, null_handling="replace", null_replacement=_NULL)
    return hash_ids(joined)
