"""Joining of small batches of rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa

from airflow_mlmon.archive.curation.read import Batch

_SMALL = 1 << 22


def join_small(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Join small batches without faults in a row, so that a small file costs no more than its rows."""
    small: list[Batch] = []
    size = 0
    for batch in batches:
        is_small = batch.table.nbytes < _SMALL and not batch.faults and batch.refused is None
        if small and not (is_small and size < _SMALL and _is_alike(small[0], batch)):
            yield _join(small)
            small, size = [], 0
        if is_small:
            small.append(batch)
            size += batch.table.nbytes
        else:
            yield batch
    if small:
        yield _join(small)


def _is_alike(one: Batch, other: Batch) -> bool:
    return one.dropped == other.dropped and one.table.schema.equals(other.table.schema)


def _join(batches: Sequence[Batch]) -> Batch:
    if len(batches) == 1:
        return batches[0]
    return batches[0]._replace(table=pa.concat_tables([batch.table for batch in batches]).combine_chunks())
