"""Opening of the files of a log: JSON as lines of objects, anything else as a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from airflow_mlmon.spec.choices import FileFormat
from airflow_mlmon.tables.files import read_path, recognise
from airflow_mlmon.tables.json_records import read_object_lines
from airflow_mlmon.tables.piece import Piece
from airflow_mlmon.tables.reading import Reading


def open_json(path: Path, origin: str, reading: Reading) -> Iterator[bytes] | None:
    """Return blocks of lines that are objects each; None if the file is not JSON.

    Raises:
        UnreadableFileError: the format of the file is unknown.
    """
    found, compression = recognise(path, origin, reading.format)
    return read_object_lines(path, origin, compression) if found in (FileFormat.JSON, FileFormat.JSON_LINES) else None


def read_table(path: Path, origin: str, reading: Reading) -> Iterator[Piece]:
    """Read a file that is not JSON, with all of its columns.

    Raises:
        DataError: the file is damaged.
    """
    return read_path(path, origin, replace(reading, columns=None, nested=True))
