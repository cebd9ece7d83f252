"""What Arrow allocates within a context."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa


@contextmanager
def counted_memory() -> Iterator[pa.MemoryPool]:
    """Allocate from a pool of its own, whose `max_memory` is the peak of what the context holds at a time."""
    before = pa.default_memory_pool()
    pool = pa.proxy_memory_pool(before)
    pa.set_memory_pool(pool)
    try:
        yield pool
    finally:
        pa.set_memory_pool(before)
