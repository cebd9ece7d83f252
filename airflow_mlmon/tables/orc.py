"""Reader of ORC."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.orc

from airflow_mlmon.tables.damage import naming_damage
from airflow_mlmon.tables.piece import Piece, slice_rows
from airflow_mlmon.tables.reading import Reading
from airflow_mlmon.tables.shape import Shape


def read_orc(path: Path, origin: str, reading: Reading) -> Iterator[Piece]:
    """Read the rows of an ORC file, a stripe at a time.

    Raises:
        UnreadableFileError: it is damaged, or is not an ORC file.
    """
    with naming_damage(origin, "ORC"):
        file = pyarrow.orc.ORCFile(path)
        shape = Shape(origin, file.schema, reading)
        yield shape.head()
        if not shape.wanted:
            yield from shape.rows_alone(file.nrows)
            return
        for number in range(file.nstripes):
            stripe = pa.Table.from_batches([file.read_stripe(number, columns=shape.wanted)])
            for rows in slice_rows(stripe):
                yield shape.piece(rows)
