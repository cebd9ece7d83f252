"""Object that is read in ranges, as a file: of a large one, only what is asked for is fetched."""

from __future__ import annotations

import io
from collections.abc import Iterable

from airflow_mlmon.storage.objects import ObjectStore
from airflow_mlmon.tracing import TracedPool

# the end of a Parquet file, where its footer is, and ranges that are fetched at a time
_TAIL, _AT_ONCE = 1 << 16, 8


class RangedFile(io.RawIOBase):
    """Readable file of an object in a store, whose bytes do not change while it is open."""

    def __init__(self, store: ObjectStore, uri: str, size: int) -> None:
        super().__init__()
        self._store, self._uri, self._size = store, uri, size
        self._at = 0
        start = max(size - _TAIL, 0)
        self._tail = (start, store.read_range(uri, start, size - start))
        self._fetched: list[tuple[int, bytes]] = []

    def fetch(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Fetch the ranges, each a start and a size, that are read next; those fetched before are let go."""
        wanted = list(ranges)
        with TracedPool(_AT_ONCE) as pool:
            found = pool.map(lambda one: self._store.read_range(self._uri, *one), wanted)
            self._fetched = [(start, data) for (start, _), data in zip(wanted, found, strict=True)]

    def read(self, size: int | None = -1, /) -> bytes:
        """Read so many bytes from the position on; by default all."""
        left = self._size - self._at
        wanted = left if size is None or size < 0 else min(size, left)
        data = self._take(self._at, wanted)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move to a position."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def _take(self, start: int, size: int) -> bytes:
        for first, data in (self._tail, *self._fetched):
            if first <= start and start + size <= first + len(data):
                return data[start - first : start - first + size]
        return self._store.read_range(self._uri, start, size)
