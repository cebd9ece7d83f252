"""Rows of several files as one table, with the number of their file, and their division by it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np
import pyarrow as pa

from airflow_mlmon.archive.envelopes.reserved import FILE
from airflow_mlmon.tables.piece import Piece

_ROWS = 1 << 14
_BYTES = 1 << 24


def join_small_pieces(pieces: Iterable[tuple[int, Piece]], origins: dict[int, str]) -> Iterator[pa.Table]:
    """Join records of small files, with the number of their file in the column FILE; note the origins by number."""
    held: list[pa.Table] = []
    rows = size = 0
    for number, piece in pieces:
        origins[number] = piece.origin
        table = number_rows(piece.table, number)
        if held and (table.schema != held[0].schema or rows > _ROWS or size > _BYTES):
            yield pa.concat_tables(held).combine_chunks()
            held, rows, size = [], 0, 0
        held.append(table)
        rows, size = rows + table.num_rows, size + table.nbytes
    if held:
        yield pa.concat_tables(held).combine_chunks()


def number_rows(table: pa.Table, number: int) -> pa.Table:
    """Add the number of the file of rows as the column FILE."""
    return table.append_column(FILE, pa.repeat(pa.scalar(number, pa.int64()), table.num_rows))


def split_by_file(table: pa.Table) -> Iterator[tuple[int, pa.Table]]:
    """Divide rows by the number in their column FILE, which is left out."""
    ordered = table.sort_by(FILE)
    numbers = ordered.column(FILE).to_numpy()
    starts = [0, *(np.flatnonzero(np.diff(numbers)) + 1), len(numbers)]
    rows = ordered.drop_columns([FILE])
    for start, end in pairwise(starts):
        yield int(numbers[start]), rows.slice(start, end - start)
