"""The hashes of a partition's ids, sorted: enough to say of nearly every other id that it is not among them.

Eight bytes an id in memory and 5.8 in a file, where the sorted hashes are kept by their differences. A Bloom
filter of ten bits an id is smaller, but takes one id in a hundred for one that it holds: of a million new ids
ten thousand would have to be looked up in the rows, every night and in every partition. Here a million ids
meet a million others by chance once in nine million nights, n·m / 2⁶³.
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
from airflow_mlmon.profiles.values.arrow import number_array, to_numpy
from airflow_mlmon.profiles.values.murmur import hash_texts

Integers = npt.NDArray[np.int64]

_COLUMN = "hash"
# the checksums of pages do not cover their own lengths
_COUNT = b"ids"
_BLOCK = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class IdHashes:
    """What is kept of the ids of a partition.

    Attributes:
        hashes: The 63-bit hash of each id, ascending.
    """

    hashes: Integers

    @classmethod
    def of(cls, ids: pa.ChunkedArray) -> Self:
        """The hashes of ids, none of them null, in the order of the hashes."""
        return cls(hashes=np.sort(hash_ids(ids)))

    def to_bytes(self) -> bytes:
        """As a Parquet file with page checksums."""
        sink = io.BytesIO()
        pq.write_table(
            pa.table({_COLUMN: number_array(self.hashes)}).replace_schema_metadata({_COUNT: str(len(self.hashes))}),
            sink,
            use_dictionary=False,
            column_encoding={_COLUMN: "DELTA_BINARY_PACKED"},
            compression="none",
            write_page_checksum=True,
        )
        return sink.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The hashes that `to_bytes` wrote.

        Raises:
            DataError: the bytes are no such file, or are damaged.
        """
        try:
            with pq.ParquetFile(io.BytesIO(data), page_checksum_verification=True) as file:
                table = file.read([_COLUMN])
            hashes, count = to_numpy(table.column(_COLUMN)), int((table.schema.metadata or {})[_COUNT])
        except (pa.ArrowException, OSError, ValueError, KeyError) as error:
            raise DataError(f"The hashes of ids are damaged ({type(error).__name__}).") from error
        if hashes.dtype != np.int64 or len(hashes) != count or np.any(hashes[1:] < hashes[:-1]):
            raise DataError("The hashes of ids are damaged (not in their order, or not all of them).")
        return cls(hashes=hashes)

    def find(self, sought: Integers) -> npt.NDArray[np.bool_]:
        """Which of some hashes are among these; nine times as fast when those are sorted too.

        >>> IdHashes(hashes=np.array([2, 5, 9])).find(np.array([1, 5, 9, 10])).tolist()
        [False, True, True, False]
        """
        if not len(self.hashes):
            return np.zeros(len(sought), dtype=np.bool_)
        places = np.searchsorted(self.hashes, sought)
        found: npt.NDArray[np.bool_] = self.hashes[np.minimum(places, len(self.hashes) - 1)] == sought
        return found


def hash_ids(ids: pa.ChunkedArray) -> Integers:
    """The hash of each id, none of which is null.

    >>> hash_ids(pa.chunked_array([["a"], ["b", "a"]])).tolist()[0]
    8863373810831573271
    """
    slices = (chunk.slice(start, _BLOCK) for chunk in ids.chunks for start in range(0, len(chunk), _BLOCK))
    return np.concatenate([np.zeros(0, dtype=np.int64), *(hash_texts(part).view(np.int64) for part in slices)])
