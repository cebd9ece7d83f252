"""Reader of JSON: an object a line, an array of objects, or objects one after the other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pyarrow as pa

from airflow_mlmon.tables.damage import refuse_file
from airflow_mlmon.tables.formats import Compression
from airflow_mlmon.tables.json_objects import split_objects
from airflow_mlmon.tables.json_parse import JsonParser
from airflow_mlmon.tables.lines import read_chunks, read_line_blocks
from airflow_mlmon.tables.nested import drop_columns, flatten_objects
from airflow_mlmon.tables.piece import Piece, repeated_names, slice_rows
from airflow_mlmon.tables.reading import Reading

_BLOCK = 1 << 23


def read_json_rows(path: Path, origin: str, compression: Compression | None, reading: Reading) -> Iterator[Piece]:
    """Read the rows of a JSON file; texts that look like times stay texts.

    Rows of one piece have one type in each column. Where a key has values of several kinds, the rows are split into
    pieces, so that no value depends on its neighbours. A wanted column that other rows of the file have is null.

    Raises:
        UnreadableFileError: it is damaged, or holds something else than objects; the message names the line.
    """
    names: set[str] | None = None
    for piece in _read_pieces(path, origin, compression, nested=reading.nested):
        absent = set(reading.columns or ()).difference(piece.table.column_names, piece.repeated)
        if absent and names is None:
            pieces = _read_pieces(path, origin, compression, nested=reading.nested)
            names = {name for other in pieces for name in other.table.column_names}
        yield _with_nulls(piece, sorted(absent & names)) if absent and names else piece


def _with_nulls(piece: Piece, names: Sequence[str]) -> Piece:
    table = piece.table
    for name in names:
        table = table.append_column(name, pa.nulls(table.num_rows))
    return replace(piece, table=table)


def read_object_lines(path: Path, origin: str, compression: Compression | None) -> Iterator[bytes]:
    """Read a JSON file in blocks in which each line is an object.

    Raises:
        UnreadableFileError: it is damaged, or holds something else than objects.
    """
    chunks = read_chunks(path, origin, compression, _BLOCK)
    first = next(chunks, b"")
    while first and not first.strip():
        first = next(chunks, b"")
    if not first:
        raise refuse_file(origin, "is empty")
    chunks = chain((first,), chunks)
    start = first.lstrip()[:1]
    if start not in (b"{", b"["):
        raise refuse_file(origin, f"is not a readable JSON Lines file: it begins with {start!r}")
    is_lines, chunks = (False, chunks) if start == b"[" else _is_lines(chunks)
    yield from read_line_blocks(chunks if is_lines else split_objects(chunks, origin), origin)


def _read_pieces(path: Path, origin: str, compression: Compression | None, *, nested: bool) -> Iterator[Piece]:
    parser = JsonParser(origin)
    is_empty = True
    for block in read_object_lines(path, origin, compression):
        for table in parser.parse(block):
            for rows in slice_rows(table):
                is_empty = False
                yield _to_piece(rows, origin, nested=nested)
    if is_empty:
        # an array without objects is a file without rows
        yield _to_piece(pa.table({}), origin, nested=nested)


def _is_lines(chunks: Iterator[bytes]) -> tuple[bool, Iterator[bytes]]:
    """Return whether the first line is an object of its own, and the chunks again."""
    taken: list[bytes] = []
    for chunk in chunks:
        taken.append(chunk)
        if b"\n" in (chunk.lstrip() if len(taken) == 1 else chunk):
            break
    line = b"".join(taken).lstrip().partition(b"\n")[0]
    try:
        json.loads(line.decode(errors="replace"))
    except ValueError:
        return False, chain(taken, chunks)
    except RecursionError:
        # the parser of lines refuses it by its number
        return True, chain(taken, chunks)
    return True, chain(taken, chunks)


def _to_piece(rows: pa.Table, origin: str, *, nested: bool) -> Piece:
    twice: tuple[str, ...] = ()
    if not nested:
        rows = flatten_objects(rows)
        twice = repeated_names(rows.column_names)
        rows = drop_columns(rows, twice)
    return Piece(origin=origin, table=rows, times_are_texts=True, repeated=twice)
