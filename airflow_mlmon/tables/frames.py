"""Reading of data frames of any library that speaks Arrow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import pyarrow as pa

from airflow_mlmon.errors import DataError
from airflow_mlmon.tables.piece import Piece, check_names, no_rows


@runtime_checkable
class Frame(Protocol):
    """Table of pandas, polars, Arrow or any other library with Arrow's stream interface."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return the rows as a capsule."""
        ...


def read_frame(frame: Frame, name: str) -> Iterator[Piece]:
    """Read the rows of a data frame, piece by piece.

    Raises:
        DataError: it cannot be converted to Arrow, or two columns share a name.
    """
    try:
        reader = pa.RecordBatchReader.from_stream(frame)
    except (pa.ArrowException, ValueError, TypeError) as error:
        reason = "; ".join(str(part) for part in error.args)
        raise DataError(f"The data frame of the {name} cannot be converted to Arrow: {reason}.") from error
    check_names(reader.schema.names, f"the {name}")
    yield Piece(origin=f"the {name}", table=no_rows(reader.schema))
    for batch in reader:
        yield Piece(origin=f"the {name}", table=pa.Table.from_batches([batch]))
