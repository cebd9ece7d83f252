"""Files of captured rows: their names, and their bytes in the format of the archive."""

from __future__ import annotations

import gzip
import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.capture.marks import METADATA_KEY, SIDECARS, Marks

_SLICE = 1_000


class FilePiece(NamedTuple):
    """One object at the destination; `name` is relative to its root."""

    name: str
    content: bytes


class CapturedFile(NamedTuple):
    """Rows on their way to the destination.

    Attributes:
        rows: rows in it.
        pieces: objects in the order in which they are published: the marks of a file come before it.
    """

    rows: int
    pieces: tuple[FilePiece, ...]

    @property
    def size(self) -> int:
        """Bytes of its pieces."""
        return sum(len(piece.content) for piece in self.pieces)

    def renamed(self) -> CapturedFile:
        """Return the file under a name that its content gives it, for the case that its own is taken."""
        digest = hashlib.sha256(b"".join(piece.content for piece in self.pieces)).hexdigest()[:8]
        last = self.pieces[-1].name.rpartition("/")[2]
        stem, dot, ending = last.partition(".")
        changed = f"{stem}-{digest}{dot}{ending}"
        return self._replace(
            pieces=tuple(piece._replace(name=_rename(piece.name, last, changed)) for piece in self.pieces)
        )


def encode_rows(table: pa.Table, marks: Marks, folder: str, file_format: str) -> CapturedFile:
    """Return the file of a folder's rows in `parquet`, `jsonl` or `jsonl.gz`, with its marks."""
    name = f"{marks.process}-{marks.first:012d}.{file_format}"
    if file_format == "parquet":
        return CapturedFile(table.num_rows, (FilePiece(folder + name, encode_parquet(table, marks)),))
    content = b"".join(_to_lines(table))
    content = gzip.compress(content, mtime=0) if file_format.endswith(".gz") else content
    sidecar = FilePiece(f"{folder}{SIDECARS}/{name}.json", marks.to_json())
    return CapturedFile(table.num_rows, (sidecar, FilePiece(folder + name, content)))


def encode_parquet(table: pa.Table, marks: Marks) -> bytes:
    """Return a Parquet file of the rows with its marks, and with checksums of its pages."""
    sink = pa.BufferOutputStream()
    texts = [field.name for field in table.schema if pa.types.is_string(field.type)]
    pq.write_table(
        table.replace_schema_metadata({METADATA_KEY: marks.to_json()}),
        sink,
        compression="zstd",
        use_dictionary=texts or False,
        write_page_checksum=True,
    )
    return bytes(sink.getvalue().to_pybytes())


def encode_end(marks: Marks, folder: str) -> CapturedFile:
    """Return the marks of an orderly end, or of lost rows, that no file of rows can carry."""
    name = f"{folder}{SIDECARS}/closed-{marks.process}.json"
    return CapturedFile(0, (FilePiece(name, replace(marks, rows=0).to_json()),))


def _rename(name: str, old: str, new: str) -> str:
    head, slash, tail = name.rpartition("/")
    return f"{head}{slash}{tail.replace(old, new, 1)}"


def _to_lines(table: pa.Table) -> Iterator[bytes]:
    for batch in table.to_batches(max_chunksize=_SLICE):
        for row in batch.to_pylist():
            line = {name: _to_json(value) for name, value in row.items()}
            yield json.dumps(line, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def _to_json(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else str(value)  # JSON has no such numbers; the archive reads their texts
    if isinstance(value, list):
        # a text among numbers would make texts of all vectors
        return [item if item is None or math.isfinite(item) else None for item in value]
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, date) else value
