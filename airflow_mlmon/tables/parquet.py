"""Reader of Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.tables import dictionaries, int96
from airflow_mlmon.tables.damage import naming_damage
from airflow_mlmon.tables.piece import ROWS, Piece, check_names, no_rows
from airflow_mlmon.tables.reading import Reading
from airflow_mlmon.tables.shape import Shape

_ROWS_OF_VECTORS = 1 << 13
_BUFFER, _SMALLEST_BUFFER, _BUFFERS = 1 << 20, 1 << 14, 1 << 25
_BYTES = 1 << 25
# columns of which so many bytes are read at once; of more more bytes, because each batch costs something a column
_COLUMNS, _MOST_TIMES = 256, 4


def read_parquet(path: Path, origin: str, reading: Reading) -> Iterator[Piece]:
    """Read the rows of a Parquet file, verifying its page checksums if it has them.

    Raises:
        UnreadableFileError: it is damaged, or is not a Parquet file.
    """
    # a buffer, because reading whole row groups takes hundreds of MB and saves no time on a disk
    with naming_damage(origin, "Parquet"):
        footer = pq.read_metadata(path)
        # one for each column
        buffer = max(_BUFFERS // max(footer.num_columns, 1), _SMALLEST_BUFFER)
        options = {"pre_buffer": False, "buffer_size": min(buffer, _BUFFER), "page_checksum_verification": True}
        _check_counts(footer)
        most = _rows_at_once(footer)
        coded = dictionaries.find_coded(path, footer, most, _BYTES)
        with pq.ParquetFile(
            path, metadata=footer, read_dictionary=coded, coerce_int96_timestamp_unit=int96.UNIT, **options
        ) as file:
            shape = Shape(origin, dictionaries.expand_types(file.schema_arrow, coded), reading)
            yield replace(shape.head(), metadata=footer.metadata or {})
            if not shape.wanted:
                yield from shape.rows_alone(footer.num_rows)
                return
            rows = 0
            for batch in int96.read_batches(file, path, most, shape.wanted, **options):
                for part in dictionaries.expand(batch, coded, _BYTES):
                    rows += part.num_rows
                    yield shape.piece(pa.Table.from_batches([part]))
            if rows != footer.num_rows:
                raise ValueError(f"{rows} of its {footer.num_rows} rows could be read")


def _check_counts(footer: pq.FileMetaData) -> None:
    """Check that the counts of a footer agree, which has no checksum of its own.

    Raises:
        ValueError: they contradict each other.
    """
    rows = sum(footer.row_group(number).num_rows for number in range(footer.num_row_groups))
    if rows != footer.num_rows:
        raise ValueError(f"its row groups have {rows} rows, its footer {footer.num_rows}")


def open_parquet(path: Path, origin: str) -> Piece:
    """Open a Parquet file and read its columns without the rows."""
    with naming_damage(origin, "Parquet"), pq.ParquetFile(path, coerce_int96_timestamp_unit=int96.UNIT) as file:
        _check_counts(file.metadata)
        check_names(file.schema_arrow.names, origin)
        return Piece(origin=origin, table=no_rows(file.schema_arrow), unread=path, unread_rows=file.metadata.num_rows)


def _rows_at_once(footer: pq.FileMetaData) -> int:
    """Return how many rows are read at once: fewer of vectors, and of wide rows."""
    if any(pa.types.is_nested(kind) for kind in footer.schema.to_arrow_schema().types):
        return _ROWS_OF_VECTORS
    size = sum(footer.row_group(number).total_byte_size for number in range(footer.num_row_groups))
    most = _BYTES * min(max(footer.num_columns // _COLUMNS, 1), _MOST_TIMES)
    return int(min(ROWS, max(1, most * footer.num_rows // max(size, 1))))
