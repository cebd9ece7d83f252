"""Conversion of values to booleans."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.tables.conversion.converted import Converted, Refusal, Request, is_text_type
from airflow_mlmon.tables.conversion.numbers import convert_to_integer

NO_BOOLEAN = "is not a boolean (0/1, true/false, yes/no)"
_TRUE = ("true", "yes", "t", "y", "1", "1.0")
_FALSE = ("false", "no", "f", "n", "0", "0.0")


def convert_to_boolean(values: pa.ChunkedArray, request: Request) -> Converted:
    """Convert 0 and 1, the words for false and true, or the two texts that the column names."""
    if pa.types.is_boolean(values.type):
        return Converted(values)
    if not is_text_type(values.type):
        return _from_numbers(convert_to_integer(values, request))
    if request.column.classes is None:
        return _from_texts(pc.utf8_lower(values), _FALSE, _TRUE, NO_BOOLEAN)
    false, true = request.column.classes
    return _from_texts(values, (false,), (true,), f"is neither {false!r} nor {true!r}")


def _from_texts(texts: pa.ChunkedArray, false: tuple[str, ...], true: tuple[str, ...], reason: str) -> Converted:
    known = pc.is_in(texts, value_set=pa.array([*false, *true], texts.type))
    found = Converted(texts).refuse(pc.invert(known), reason)
    is_true = pc.is_in(found.values, value_set=pa.array(list(true), texts.type))
    return found.apply(lambda own: pc.if_else(pc.is_valid(own), is_true, pa.scalar(None, pa.bool_())))


def _from_numbers(numbers: Converted) -> Converted:
    found = numbers._replace(refused=tuple(Refusal(NO_BOOLEAN, rows) for _, rows in numbers.refused))
    found = found.refuse(pc.invert(pc.is_in(numbers.values, value_set=pa.array([0, 1], pa.int64()))), NO_BOOLEAN)
    return found.apply(lambda own: own.cast(pa.bool_()))
