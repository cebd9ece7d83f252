"""Sorted hashes of a partition's ids, which rule out nearly every other id.

An id takes eight bytes in memory and 5.8 in a file, where the sorted hashes are delta-encoded. A Bloom filter of
ten bits per id is smaller, but has one false positive in a hundred: of a million new ids, ten thousand would have
to be looked up in the rows, in each partition and on each day. Here a million ids collide with a million
others about once in nine million days, n·m / 2⁶³.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.errors import DataError
from airflow_mlmon.profiles.values.arrow import to_number_array, to_numpy
from airflow_mlmon.profiles.values.murmur import hash_texts
from airflow_mlmon.statistics.arrays import Integers

_COLUMN = "hash"
# page checksums do not cover the page lengths
_COUNT = b"ids"
_BLOCK = 1 << 16
_GROUP = 1 << 20
_NONE = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdHashes:
    """Sorted hashes of the ids of a partition.

    Attributes:
        hashes: 63-bit hash of each id, ascending.
    """

    hashes: Integers

    @classmethod
    def of(cls, ids: pa.ChunkedArray) -> Self:
        """Hash ids without nulls, and sort the hashes."""
        return cls(hashes=np.sort(hash_ids(ids)))

    def to_bytes(self) -> bytes:
        """Encode as a Parquet file with page checksums."""
        sink = io.BytesIO()
        write_hashes(sink, [self.hashes], len(self.hashes))
        return sink.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Decode the hashes that `to_bytes` wrote.

        Raises:
            DataError: the bytes are not such a file, or are damaged.
        """
        return cls(hashes=np.concatenate([_NONE, *read_hashes(io.BytesIO(data))]))

    def find(self, sought: Integers) -> npt.NDArray[np.bool_]:
        """Return which of the sought hashes are present; nine times as fast if `sought` is sorted too.

        >>> IdHashes(hashes=np.array([2, 5, 9])).find(np.array([1, 5, 9, 10])).tolist()
        [False, True, True, False]
        """
        if not len(self.hashes):
            return np.zeros(len(sought), dtype=np.bool_)
        places = np.searchsorted(self.hashes, sought)
        found: npt.NDArray[np.bool_] = self.hashes[np.minimum(places, len(self.hashes) - 1)] == sought
        return found


def write_hashes(sink: Path | IO[bytes], ranges: Iterable[Integers], count: int) -> None:
    """Write `count` ascending hashes, given in ranges of any size, as a Parquet file with page checksums."""
    schema = pa.schema([(_COLUMN, pa.int64())], {_COUNT: str(count)})
    encoding = {"use_dictionary": False, "column_encoding": {_COLUMN: "DELTA_BINARY_PACKED"}, "compression": "none"}
    held = _NONE
    with pq.ParquetWriter(sink, schema, write_page_checksum=True, **encoding) as writer:
        for own in ranges:
            held = np.concatenate([held, own])
            full = len(held) - len(held) % _GROUP
            for start in range(0, full, _GROUP):
                writer.write_table(pa.table([to_number_array(held[start : start + _GROUP])], schema))
            held = held[full:]
        if len(held) or not count:
            writer.write_table(pa.table([to_number_array(held)], schema))


def read_hashes(source: Path | IO[bytes]) -> Iterator[Integers]:
    """Yield the ascending hashes that `write_hashes` wrote, in ranges.

    Raises:
        DataError: it is not such a file, or is damaged.
    """
    try:
        with pq.ParquetFile(source, page_checksum_verification=True) as file:
            left, highest = int((file.schema_arrow.metadata or {})[_COUNT]), -1
            for group in range(file.num_row_groups):
                hashes = to_numpy(file.read_row_group(group, [_COLUMN]).column(_COLUMN))
                left -= len(hashes)
                if hashes.dtype != np.int64 or np.any(hashes[1:] < hashes[:-1]) or np.any(hashes[:1] < highest):
                    raise DataError("The id hashes are damaged (not sorted).")
                highest = int(hashes[-1]) if len(hashes) else highest
                yield hashes
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise DataError(f"The id hashes are damaged ({type(error).__name__}).") from error
    if left:
        raise DataError("The id hashes are damaged (incomplete).")


def find_common(first: Iterable[Integers], second: Iterable[Integers]) -> Integers:
    """Return the hashes that occur in both, each of which comes ascending in ranges.

    >>> find_common([np.array([1, 3]), np.array([5, 8])], [np.array([3, 5, 6]), np.array([9])]).tolist()
    [3, 5]
    """
    found = [_NONE]
    others = iter(second)
    other = _NONE
    for own in first:
        rest = own
        while len(rest):
            if not len(other):
                later = next(others, None)
                if later is None:
                    break
                other = later
                continue
            end = min(rest[-1], other[-1])
            one, two = np.searchsorted(rest, end, side="right"), np.searchsorted(other, end, side="right")
            found.append(np.intersect1d(rest[:one], other[:two]))
            rest, other = rest[one:], other[two:]
    for _ in others:
        # what is not compared is read all the same, as it may be damaged
        pass
    return np.unique(np.concatenate(found))


def hash_ids(ids: pa.ChunkedArray) -> Integers:
    """Hash each id; none may be null.

    >>> hash_ids(pa.chunked_array([["a"], ["b", "a"]])).tolist()[0]
    8863373810831573271
    """
    slices = (chunk.slice(start, _BLOCK) for chunk in ids.chunks for start in range(0, len(chunk), _BLOCK))
    return np.concatenate([np.zeros(0, dtype=np.int64), *(hash_texts(part).view(np.int64) for part in slices)])
