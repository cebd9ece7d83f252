"""Reader of Avro."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.tables.damage import naming_damage
from airflow_mlmon.tables.piece import Piece
from airflow_mlmon.tables.reading import Reading
from airflow_mlmon.tables.shape import Shape

_ROWS, _BYTES = 1 << 14, 1 << 24
_PLAIN = {
    "null": pa.null(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "bytes": pa.binary(),
    "string": pa.string(),
    "enum": pa.string(),
    "fixed": pa.binary(),
}
_LOGICAL = {
    "date": pa.date32(),
    "uuid": pa.string(),
    "timestamp-millis": pa.timestamp("us", tz="UTC"),
    "timestamp-micros": pa.timestamp("us", tz="UTC"),
    "local-timestamp-millis": pa.timestamp("us"),
    "local-timestamp-micros": pa.timestamp("us"),
    "time-millis": pa.time64("us"),
    "time-micros": pa.time64("us"),
}
_UNIONS = {frozenset({"int", "long"}): pa.int64(), frozenset({"float", "double"}): pa.float64()}


def read_avro(path: Path, origin: str, reading: Reading) -> Iterator[Piece]:
    """Read the rows of an Avro file. A column of several kinds becomes text.

    Raises:
        UnreadableFileError: it is damaged, or is not an Avro file.
        ConfigError: the package that reads Avro is not installed.
    """
    try:
        import fastavro  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigError(
            f"{origin} is an Avro file, which needs the package fastavro.", hint="pip install 'airflow-mlmon[avro]'"
        ) from error
    with path.open("rb") as file:
        with _naming_damage(origin):
            blocks: Any = fastavro.block_reader(file)
            schema = _AvroTypes().to_schema(blocks.writer_schema)
        shape = Shape(origin, schema, reading)
        yield shape.head()
        types = [(name, schema.field(name).type) for name in shape.wanted]
        taken = _take_rows(blocks)
        while True:
            with _naming_damage(origin):
                rows = next(taken, [])
                columns = {name: _to_array([row[name] for row in rows], kind) for name, kind in types}
            if not rows:
                return
            if columns:
                yield shape.piece(pa.table(columns))
            else:
                yield from shape.rows_alone(len(rows))


def _take_rows(blocks: Any) -> Iterator[list[Mapping[str, Any]]]:
    """Yield the records of all blocks, each of which must be as long as its records, bounded in number and bytes."""
    taken: list[Mapping[str, Any]] = []
    size = 0
    for block in blocks:
        size += block.bytes_.getbuffer().nbytes
        for row in block:
            taken.append(row)
            if len(taken) == _ROWS:
                yield taken
                taken, size = [], 0
        if block.bytes_.read(1):
            raise ValueError("a block holds more than its records")
        if taken and size > _BYTES:
            yield taken
            taken, size = [], 0
    if taken:
        yield taken


@contextmanager
def _naming_damage(origin: str) -> Iterator[None]:
    """Name the file, too, in errors that are those of this format alone."""
    from fastavro.schema import SchemaParseException  # noqa: PLC0415 - an extra

    with naming_damage(origin, "Avro"):
        try:
            yield
        except (SchemaParseException, TypeError, AttributeError, MemoryError, struct.error, zlib.error) as error:
            raise ValueError(str(error) or type(error).__name__) from error


class _AvroTypes:
    """Arrow types of an Avro schema; named types may be referred to again."""

    def __init__(self) -> None:
        self._named: dict[str, pa.DataType] = {}

    def to_schema(self, schema: Any) -> pa.Schema:
        """Return the Arrow schema of a file's record.

        Raises:
            ValueError: its values are no records.
        """
        if not isinstance(schema, Mapping) or schema.get("type") != "record":
            raise ValueError("its values are no records")
        return pa.schema([(field["name"], self._to_type(field["type"])) for field in schema["fields"]])

    def _to_type(self, schema: Any) -> pa.DataType:
        if isinstance(schema, list):
            return self._of_union([part for part in schema if part != "null"])
        if isinstance(schema, str):
            return _PLAIN.get(schema) or self._named[schema]
        kind = schema["type"]
        if not isinstance(kind, str):
            return self._to_type(kind)
        found = _LOGICAL.get(schema.get("logicalType", "")) or self._of_kind(kind, schema)
        if "name" in schema:
            self._named[schema["name"]] = found
        return found

    def _of_kind(self, kind: str, schema: Mapping[str, Any]) -> pa.DataType:
        if schema.get("logicalType") == "decimal":
            return _decimal_of(schema["precision"], schema.get("scale", 0))
        if kind == "array":
            return pa.list_(self._to_type(schema["items"]))
        if kind == "map":
            return pa.map_(pa.string(), self._to_type(schema["values"]))
        if kind == "record":
            return pa.struct([(field["name"], self._to_type(field["type"])) for field in schema["fields"]])
        return _PLAIN[kind] if kind in _PLAIN else self._named[kind]

    def _of_union(self, parts: list[Any]) -> pa.DataType:
        if len(parts) == 1:
            return self._to_type(parts[0])
        if not parts:
            return pa.null()
        return _UNIONS.get(frozenset(map(str, parts)), pa.string())


def _decimal_of(digits: int, scale: int) -> pa.DataType:
    return pa.decimal128(digits, scale) if digits <= 38 else pa.decimal256(digits, scale)  # noqa: PLR2004


def _to_array(values: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        values = [value if isinstance(value, str) or value is None else _to_text(value) for value in values]
    elif pa.types.is_map(kind):
        values = [value if value is None else list(value.items()) for value in values]
    return pa.array(values, kind)


def _to_text(value: Any) -> str:
    return json.dumps(value, default=str) if isinstance(value, (dict, list, bool)) else str(value)
