"""Parsing of blocks of JSON Lines by Arrow, with the type of each value decided by that value alone."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from airflow_mlmon.tables.damage import naming_damage
from airflow_mlmon.tables.json_mixed import group_lines
from airflow_mlmon.tables.lines import as_text, is_utf8, parse_in_parts

_EXACT = 2.0**53
_LONG_INTEGER = re.compile(rb"(?<![0-9.eE+-])-?[0-9]{16,}(?![0-9.eE])")


class JsonParser:
    """Parser of the blocks of one file, which remembers the columns whose texts look like times."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._lines = 0
        self._texts: dict[str, pa.DataType] = {}

    def parse(self, block: bytes) -> list[pa.Table]:
        """Parse the lines of a block: as one table, or one for each combination of kinds.

        Raises:
            UnreadableFileError: a line holds no object.
        """
        with naming_damage(self._origin, "JSON Lines"):
            # a key that is no UTF-8 is found when the names are asked for
            table = self._parse_as_one(block)
            if table is not None:
                tables = [_with_bytes(table, block)]
            else:
                tables = [_with_bytes(_parse(part, {}), part) for part in group_lines(block, self._lines)]
        self._lines += block.count(b"\n")
        return tables

    def _parse_as_one(self, block: bytes) -> pa.Table | None:
        """Parse the block as one table; None if a key has values of several kinds, or a line is malformed."""
        for texts in (self._texts, {}) if self._texts else ({},):
            self._texts = texts
            try:
                table = _parse(block, self._texts)
            except pa.ArrowInvalid:
                continue
            return None if _loses_digits(table, block) else table
        return None


def _parse(block: bytes, texts: dict[str, pa.DataType]) -> pa.Table:
    """Parse lines, with texts for what looks like times; `texts` is added to."""
    table = _parse_with(block, texts)
    looks = {field.name: _as_texts(field.type) for field in table.schema if _holds_times(field.type)}
    if not looks:
        return table
    texts |= looks
    return _parse_with(block, texts)


def _parse_with(block: bytes, texts: dict[str, pa.DataType]) -> pa.Table:
    parse = pyarrow.json.ParseOptions(explicit_schema=pa.schema(list(texts.items())) if texts else None)

    def read(size: int) -> pa.Table:
        return pyarrow.json.read_json(pa.BufferReader(block), pyarrow.json.ReadOptions(block_size=size), parse)

    return parse_in_parts(block, read)


def _holds_times(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind) or pa.types.is_list(kind):
        return any(_holds_times(kind.field(place).type) for place in range(kind.num_fields))
    return bool(pa.types.is_temporal(kind))


def _as_texts(kind: pa.DataType) -> pa.DataType:
    """Replace the times within a type by texts."""
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _as_texts(field.type)) for field in kind])
    if pa.types.is_list(kind):
        return pa.list_(_as_texts(kind.value_type))
    return pa.string() if pa.types.is_temporal(kind) else kind


def _loses_digits(table: pa.Table, block: bytes) -> bool:
    """Return whether a column of doubles may hold an integer that a double rounds."""
    return any(map(_exceeds, table.columns)) and _LONG_INTEGER.search(block) is not None


def _exceeds(column: pa.ChunkedArray) -> bool:
    if pa.types.is_floating(column.type):
        ends = pc.min_max(column).as_py().values()
        return any(abs(end or 0) >= _EXACT for end in ends)
    if pa.types.is_struct(column.type):
        return any(map(_exceeds, column.flatten()))
    if pa.types.is_list(column.type):
        return _exceeds(pc.list_flatten(column))
    return False


def _with_bytes(table: pa.Table, block: bytes) -> pa.Table:
    """Return the columns whose texts are no UTF-8 as binary."""
    if is_utf8(block):
        return table
    columns = [
        as_text(column.cast(pa.binary())) if pa.types.is_string(column.type) else column for column in table.columns
    ]
    return pa.table(columns, names=table.column_names)
