"""Strict readers of Parquet, CSV and JSON Lines, which reject damaged or ambiguous files.

Common readers silently accept a truncated CSV, NUL bytes, bytes that are not UTF-8, flipped bits of a Parquet page
and lost leading zeros of an id. Here CSV is text until the whole column is known.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq

from airflow_mlmon.errors import DataError, UnreadableFileError
from airflow_mlmon.tables.piece import Piece, check_names, no_rows

GZIP = ".gz"
_ROWS = 1 << 17
_ROWS_OF_VECTORS = 1 << 13
_BLOCK = 1 << 24
_CHUNK = 1 << 22
_BUFFER = 1 << 20


def read_parquet(path: Path, origin: str, null_texts: Sequence[str]) -> Iterator[Piece]:
    """Read the rows of a Parquet file, verifying its page checksums if it has them."""
    del null_texts  # Parquet has nulls of its own
    # a buffer, because reading whole row groups takes hundreds of MB and saves no time on a disk
    options = {"pre_buffer": False, "buffer_size": _BUFFER, "page_checksum_verification": True}
    with _mapped(origin, "Parquet"), pq.ParquetFile(path, **options) as file:
        check_names(file.schema_arrow.names, origin)
        yield Piece(origin=origin, table=no_rows(file.schema_arrow))
        has_vectors = any(pa.types.is_nested(kind) for kind in file.schema_arrow.types)
        for batch in file.iter_batches(_ROWS_OF_VECTORS if has_vectors else _ROWS):
            yield Piece(origin=origin, table=pa.Table.from_batches([batch]))


def open_parquet(path: Path, origin: str) -> Piece:
    """Open a Parquet file and read its columns without the rows."""
    with _mapped(origin, "Parquet"), pq.ParquetFile(path) as file:
        check_names(file.schema_arrow.names, origin)
        return Piece(origin=origin, table=no_rows(file.schema_arrow), unread=path, unread_rows=file.metadata.num_rows)


def read_csv(path: Path, origin: str, null_texts: Sequence[str]) -> Iterator[Piece]:
    """Read the rows of a CSV file with a header, every value as its text.

    An empty field is null, and so is each of `null_texts`.
    """
    _check_text(path, origin, quotes=True)
    with io.TextIOWrapper(_open(path, origin), encoding="utf-8-sig", newline="") as file:
        names = next(csv.reader(file), [])
    check_names(names, origin)
    convert = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        null_values=["", *null_texts],
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
    )
    parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
    read = pyarrow.csv.ReadOptions(block_size=_BLOCK)
    with (
        _mapped(origin, "CSV"),
        _open(path, origin) as file,
        pyarrow.csv.open_csv(file, read, parse, convert) as reader,
    ):
        yield Piece(origin=origin, table=no_rows(reader.schema), is_text=True)
        for batch in reader:
            yield Piece(origin=origin, table=pa.Table.from_batches([batch]), is_text=True)


def read_json_lines(path: Path, origin: str, null_texts: Sequence[str]) -> Iterator[Piece]:
    """Read a file with one JSON object per line; a key whose values have two types is rejected."""
    del null_texts  # JSON has nulls of its own
    if not _check_text(path, origin, quotes=False):
        raise DataError(f"{origin} is empty.", file=origin)
    with _mapped(origin, "JSON Lines"), _open(path, origin) as file:
        table = pyarrow.json.read_json(file, pyarrow.json.ReadOptions(block_size=_BLOCK))
    check_names(table.column_names, origin)
    yield Piece(origin=origin, table=table)


def _open(path: Path, origin: str) -> pa.NativeFile:
    """Open a text file, decompressing it if its name says gzip."""
    return pa.input_stream(str(path), compression="gzip" if is_gzip(origin) else None, buffer_size=_BUFFER)


def is_gzip(origin: str) -> bool:
    """Return whether the name of a file says gzip."""
    return origin.lower().endswith(GZIP)


def _check_text(path: Path, origin: str, *, quotes: bool) -> int:
    """Reject NUL bytes, bytes that are not UTF-8 and, in a CSV, an unclosed quote; return the bytes read."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    quoted = read = 0
    with _mapped(origin, "gzip" if is_gzip(origin) else "text"), _open(path, origin) as file:
        try:
            while chunk := file.read(_CHUNK):
                read += len(chunk)
                if b"\0" in chunk:
                    raise DataError(f"{origin} contains NUL bytes.", hint="rewrite the file", file=origin)
                decoder.decode(chunk)
                quoted += chunk.count(b'"')
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            raise DataError(f"{origin} is not UTF-8 text ({error.reason}).", file=origin) from error
    if quotes and quoted % 2:
        raise DataError(f"{origin} has an unclosed quote: the file is truncated or malformed.", file=origin)
    return read


@contextmanager
def _mapped(origin: str, kind: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:160]
        problem = f"not a readable {kind} file"
        raise UnreadableFileError(
            f"{origin} is {problem}: {reason}.", problem=f"{problem} ({reason})", file=origin
        ) from error
