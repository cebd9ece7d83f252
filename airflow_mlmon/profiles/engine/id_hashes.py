"""Sorted hashes of a partition's ids, which rule out nearly every other id.

An id takes eight bytes in memory and 5.8 in a file, where the sorted hashes are delta-encoded. A Bloom filter of
ten bits per id is smaller, but has one false positive in a hundred: of a million new ids, ten thousand would have
to be looked up in the rows, in each partition and on each day. Here a million ids collide with a million
others about once in nine million days, n·m / 2⁶³.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Self

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
        pq.write_table(
            pa.table({_COLUMN: to_number_array(self.hashes)}).replace_schema_metadata({_COUNT: str(len(self.hashes))}),
            sink,
            use_dictionary=False,
            column_encoding={_COLUMN: "DELTA_BINARY_PACKED"},
            compression="none",
            write_page_checksum=True,
        )
        return sink.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Decode the hashes that `to_bytes` wrote.

        Raises:
            DataError: the bytes are not such a file, or are damaged.
        """
        try:
            with pq.ParquetFile(io.BytesIO(data), page_checksum_verification=True) as file:
                table = file.read([_COLUMN])
            hashes, count = to_numpy(table.column(_COLUMN)), int((table.schema.metadata or {})[_COUNT])
        except (pa.ArrowException, OSError, ValueError, KeyError) as error:
            raise DataError(f"The id hashes are damaged ({type(error).__name__}).") from error
        if hashes.dtype != np.int64 or len(hashes) != count or np.any(hashes[1:] < hashes[:-1]):
            raise DataError("The id hashes are damaged (not sorted, or incomplete).")
        return cls(hashes=hashes)

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


def hash_ids(ids: pa.ChunkedArray) -> Integers:
    """Hash each id; none may be null.

    >>> hash_ids(pa.chunked_array([["a"], ["b", "a"]])).tolist()[0]
    8863373810831573271
    """
    slices = (chunk.slice(start, _BLOCK) for chunk in ids.chunks for start in range(0, len(chunk), _BLOCK))
    return np.concatenate([np.zeros(0, dtype=np.int64), *(hash_texts(part).view(np.int64) for part in slices)])
