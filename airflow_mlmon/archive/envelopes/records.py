"""Reading of records: JSON Lines, JSON arrays and tables, as texts at the paths that are asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from airflow_mlmon.archive.envelopes.systems import BODY
from airflow_mlmon.errors import UnreadableFileError
from airflow_mlmon.tables.piece import Piece

_BLOCK = 1 << 23
_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2"}


def is_json(path: Path) -> bool:
    """Return whether the text of a file, decompressed, begins as JSON does."""
    with _open(path) as file:
        head = file.read(256).lstrip(b"\xef\xbb\xbf \t\r\n")
    return head[:1] in (b"{", b"[")


def read_json(path: Path, origin: str, paths: Sequence[str], *, is_nested: bool) -> Iterator[Piece]:
    """Read JSON objects, one a line, alone or in an array, as a table with the texts at `paths`.

    What is nested at a path is its JSON. With `is_nested` nothing is known of it before.
    """
    with _mapped(origin), _open(path) as file:
        for block in _blocks(file):
            yield Piece(origin=origin, table=_parse(block, paths, is_nested=is_nested), is_text=True)


def read_objects(path: Path, origin: str) -> Iterator[list[dict[str, Any]]]:
    """Read JSON objects, one a line, alone or in an array, with every number as its text."""
    with _mapped(origin), _open(path) as file:
        for block in _blocks(file):
            yield list(_parse_objects(block))


def _parse_objects(block: bytes) -> Iterator[dict[str, Any]]:
    """Parse JSON objects with every number as its text.

    Raises:
        ValueError: the text is not JSON, or holds something else than objects.
    """
    values: Iterable[Any] = (decode_json(line) for line in block.splitlines() if line.strip())
    if block.lstrip()[:1] == b"[":
        values = decode_json(block)
    else:
        try:
            values = list(values)
        except ValueError:
            # one object over several lines
            values = [decode_json(block)]
    for value in values:
        if not isinstance(value, dict):
            raise ValueError(f"a record is {type(value).__name__}, not an object")  # noqa: TRY004 - of the file
        yield value


def decode_json(text: str | bytes) -> Any:
    """Decode JSON with every number as its text, so that no digit is lost."""
    return json.loads(text, parse_float=str, parse_int=str, parse_constant=str)


def write_as_text(value: Any) -> str | None:
    """Return a JSON value as text: itself if it is one, else as it is written.

    >>> write_as_text("a"), write_as_text(True), write_as_text({"a": "1"})
    ('a', 'true', '{"a": "1"}')
    """
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)


def find_column(table: pa.Table, path: str) -> pa.ChunkedArray | None:
    """Return the column at a path of a table, whether its structs are nested or not."""
    if path in table.column_names:
        return table.column(path)
    first, *rest = path.split(".")
    if first not in table.column_names:
        return None
    found = table.column(first)
    for name in rest:
        if not pa.types.is_struct(found.type) or found.type.get_field_index(name) < 0:
            return None
        found = pc.struct_field(found, name)
    return found


def _parse(block: bytes, paths: Sequence[str], *, is_nested: bool) -> pa.Table:
    if not is_nested and block.lstrip()[:1] == b"{":
        try:
            return _parse_at_once(block, paths)
        except pa.ArrowInvalid:
            # something else than texts at the paths
            pass
    records = list(_parse_objects(block))
    return pa.table({path: pa.array([_follow(record, path) for record in records], pa.string()) for path in paths})


def _parse_at_once(block: bytes, paths: Sequence[str]) -> pa.Table:
    options = pyarrow.json.ParseOptions(
        explicit_schema=pa.schema(_to_fields(paths)), newlines_in_values=False, unexpected_field_behavior="ignore"
    )
    reading = pyarrow.json.ReadOptions(block_size=len(block) + 1, use_threads=False)
    table = pyarrow.json.read_json(pa.BufferReader(block), reading, options)
    return pa.table({path: find_column(table, path) for path in paths})


def _to_fields(paths: Sequence[str]) -> list[pa.Field]:
    """Return the fields of objects with a text at each path."""
    below: dict[str, list[str]] = {}
    for path in paths:
        first, _, rest = path.partition(".")
        below.setdefault(first, []).extend([rest] if rest else [])
    return [pa.field(name, pa.struct(_to_fields(rest)) if rest else pa.string()) for name, rest in below.items()]


def _follow(record: Mapping[str, Any], path: str) -> str | None:
    if path == BODY:
        return json.dumps(record) if {"inputs", "outputs"} & record.keys() else None
    if path in record:
        return write_as_text(record[path])
    value: Any = record
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return write_as_text(value)


def _open(path: Path) -> pa.NativeFile:
    with path.open("rb") as file:
        head = file.read(4)
    packed = next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)
    return pa.input_stream(str(path), compression=packed)


def _blocks(file: pa.NativeFile) -> Iterator[bytes]:
    """Read blocks of whole lines; what is no JSON Lines is one block."""
    block = file.read(_BLOCK).removeprefix(b"\xef\xbb\xbf")
    if block.lstrip()[:1] == b"[":
        yield block + file.read()
        return
    while chunk := file.read(_BLOCK):
        end = block.rfind(b"\n") + 1
        if end and block[:end].strip():
            yield block[:end]
        block = block[end:] + chunk
    if block.strip():
        yield block


@contextmanager
def _mapped(origin: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as error:
        problem = "not a readable JSON file"
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:160]
        raise UnreadableFileError(
            f"{origin} is {problem}: {reason}.", problem=f"{problem} ({reason})", file=origin
        ) from error
