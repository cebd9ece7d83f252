"""Detection of rows that repeat an id of their own day: by hashes first, then exactly."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.archive.curation.hash_log import HashLog
from airflow_mlmon.archive.curation.spool import Positions, Spool
from airflow_mlmon.profiles.engine.id_hashes import hash_ids
from airflow_mlmon.statistics.arrays import Integers

KeyOf = Callable[[pa.Table], pa.ChunkedArray]

# distinct ids that are compared at a time; each takes about 200 bytes
_AT_ONCE = 1 << 19
_NO_POSITIONS = np.zeros(0, dtype=np.int64)
_SEPARATOR, _NULL = "\x1f", "\x00"


class RepeatedRows(NamedTuple):
    """Ascending positions of rows that repeat the key of an earlier row, with the same or with other values."""

    equal: Positions
    other: Positions


def find_repeated_rows(rows: Spool, hashes: HashLog, keys: KeyOf) -> RepeatedRows:
    """Find all rows but the first of each key.

    Memory holds half a million distinct keys at most; where more of them occur twice, the rows are read several times.

    Args:
        rows: the rows.
        hashes: the hashes of their keys.
        keys: returns the key of each row of a table; null for none.
    """
    doubled = hashes.doubled()
    equal, other = [_NO_POSITIONS], [_NO_POSITIONS]
    for start in range(0, len(doubled), _AT_ONCE):
        first: dict[str, tuple[int, int]] = {}
        for table, here in rows.blocks(at=hashes.positions_of(doubled[start : start + _AT_ONCE])):
            contents = hash_contents(table)
            places, expected = _find_first(keys(table).combine_chunks(), contents, here, first)
            is_repeated, is_equal = places != here, contents == expected
            equal.append(here[is_repeated & is_equal])
            other.append(here[is_repeated & ~is_equal])
    return RepeatedRows(*(np.sort(np.concatenate(found)) for found in (equal, other)))


def _find_first(
    keys: pa.StringArray, contents: Integers, positions: Positions, first: dict[str, tuple[int, int]]
) -> tuple[Positions, Integers]:
    """Return position and content of the first row with each row's key, and add new keys to `first`."""
    encoded = keys.dictionary_encode()
    codes = encoded.indices.to_numpy()
    own = np.unique(codes, return_index=True)[1]
    found = [
        first.setdefault(key, (position, content))
        for key, position, content in zip(
            encoded.dictionary.to_pylist(), positions[own].tolist(), contents[own].tolist(), strict=True
        )
    ]
    places, held = np.array(found, dtype=np.int64).reshape(-1, 2).T
    return places[codes], held[codes]


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


def hash_contents(table: pa.Table) -> Integers:
    """Hash the values of each row, but for those of vectors."""
    texts = [column.cast(pa.string()) for column in table.columns if not pa.types.is_nested(column.type)]
    joined = pc.binary_join_element_wise(*texts, _SEPARATOR, null_handling="replace", null_replacement=_NULL)
    return hash_ids(joined)
