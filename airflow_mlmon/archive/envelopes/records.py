"""Reading of records: JSON Lines, JSON arrays and tables, as texts at the paths that are asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from airflow_mlmon.archive.envelopes.systems import BODY
from airflow_mlmon.tables.damage import naming_damage
from airflow_mlmon.tables.lines import parse_in_parts
from airflow_mlmon.tables.piece import Piece

# for a few records Arrow takes longer to begin than to read
_SMALL = 1 << 16
_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)


def read_json(blocks: Iterable[bytes], origin: str, paths: Sequence[str], *, is_nested: bool) -> Iterator[Piece]:
    """Read lines of JSON objects as a table with the texts at `paths`.

    What is nested at a path is its JSON. With `is_nested` nothing is known of it before.

    Raises:
        UnreadableFileError: a line is no JSON object.
    """
    for block in blocks:
        if block.strip():
            with naming_damage(origin, "JSON"):
                table = _parse(block, paths, is_nested=is_nested)
            yield Piece(origin=origin, table=table, is_text=True)


def parse_objects(block: bytes, origin: str) -> list[dict[str, Any]]:
    """Parse lines of JSON objects, with every number as its text.

    Raises:
        UnreadableFileError: a line is no JSON object.
    """
    with naming_damage(origin, "JSON"):
        return list(_parse_objects(block))


def _parse_objects(block: bytes) -> Iterator[dict[str, Any]]:
    for line in block.splitlines():
        if line.strip():
            value = decode_json(line)
            if not isinstance(value, dict):
                raise ValueError(f"a record is {type(value).__name__}, not an object")
            yield value


def decode_json(text: str | bytes) -> Any:
    """Decode JSON with every number as its text, so that no digit is lost."""
    return _DECODER.decode(text if isinstance(text, str) else text.decode())


def write_as_text(value: Any) -> str | None:
    """Return a JSON value as text: itself if it is one, else as it is written.

    >>> write_as_text("a"), write_as_text(True), write_as_text({"a": "1"})
    ('a', 'true', '{"a": "1"}')
    """
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)


def gather_texts(values: Sequence[str | None]) -> pa.Array:
    """Return texts as an array; as bytes if one is no Unicode text, because JSON may escape half a character."""
    try:
        return pa.array(values, pa.string())
    except UnicodeEncodeError:
        return pa.array([value and value.encode("utf-8", "surrogatepass") for value in values], pa.binary())


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
    if not is_nested and len(block) > _SMALL:
        try:
            return parse_in_parts(block, lambda size: _parse_at_once(block, paths, size))
        except pa.ArrowInvalid:
            # something else than texts at the paths
            pass
    records = list(_parse_objects(block))
    return pa.table({path: gather_texts([_follow(record, path) for record in records]) for path in paths})


def _parse_at_once(block: bytes, paths: Sequence[str], size: int) -> pa.Table:
    options = pyarrow.json.ParseOptions(
        explicit_schema=pa.schema(_to_fields(paths)), newlines_in_values=False, unexpected_field_behavior="ignore"
    )
    table = pyarrow.json.read_json(pa.BufferReader(block), pyarrow.json.ReadOptions(block_size=size), options)
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
