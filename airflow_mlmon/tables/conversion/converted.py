"""Values of a column as converted, and those among them that could not be."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.spec import Column

Mask = npt.NDArray[np.bool_]


class Refusal(NamedTuple):
    """Reason, without the column's name, for which the values of some rows are null."""

    reason: str
    rows: Mask


class Converted(NamedTuple):
    """Values of the declared type; null where they are refused. `notes` say how values were understood."""

    values: pa.ChunkedArray
    refused: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def reasons(self) -> dict[str, Mask]:
        """Rows that are refused, by reason."""
        found: dict[str, Mask] = {}
        for reason, rows in self.refused:
            found[reason] = found[reason] | rows if reason in found else rows
        return found

    def refuse(self, rows: pa.ChunkedArray, reason: str) -> Converted:
        """Set the values of these rows to null; rows that are null already are not counted."""
        rows = pc.fill_null(pc.and_(rows, pc.is_valid(self.values)), fill_value=False)
        if not pc.any(rows, min_count=0).as_py():
            return self
        nothing = pa.scalar(None, self.values.type)
        mask = to_mask(rows)
        return self._replace(
            values=pc.if_else(rows, nothing, self.values), refused=(*self.refused, Refusal(reason, mask))
        )

    def apply(self, convert: Callable[[pa.ChunkedArray], pa.ChunkedArray]) -> Converted:
        """Convert the values that were not refused, none of which may fail."""
        return self._replace(values=convert(self.values))

    def then(self, convert: Callable[[pa.ChunkedArray], Converted]) -> Converted:
        """Convert the values that were not refused, and add what is refused now."""
        last = convert(self.values)
        return Converted(last.values, self.refused + last.refused, self.notes + last.notes)


class Request(NamedTuple):
    """Declaration of a column, and the zone of its times without one."""

    column: Column
    timezone: str | None


class UnreadableTypeError(TypeError):
    """No value of this type can be read as declared; `advice` says what to do, if anything."""

    def __init__(self, advice: str = "") -> None:
        super().__init__(advice)
        self.advice = advice


def to_mask(rows: pa.ChunkedArray) -> Mask:
    """Return a column of booleans without nulls as an array."""
    return np.asarray(rows.to_numpy(), dtype=bool)


def is_text_type(kind: pa.DataType) -> bool:
    """Return whether values of that type are texts."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def is_binary_type(kind: pa.DataType) -> bool:
    """Return whether values of that type are bytes."""
    types = pa.types
    own = types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind)
    return bool(own or types.is_fixed_size_binary(kind))


def cast_all(texts: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray | None:
    """Convert texts at once; None if one of them is no value of the type."""
    try:
        # the first alone, because Arrow says of each text why it is none, which takes long
        pc.first(texts).cast(kind)
        return texts.cast(kind)
    except pa.ArrowInvalid:
        return None


def try_cast(texts: pa.ChunkedArray, kind: pa.DataType, reason: str) -> Converted:
    """Convert texts of the right form; those that are nevertheless no value of the type are refused."""
    try:
        return Converted(texts.cast(kind))
    except pa.ArrowInvalid:
        distinct = pc.unique(texts).drop_null()
        failing = pa.array(_find_failing(distinct, kind), texts.type)
        rest = Converted(texts).refuse(pc.is_in(texts, value_set=failing), reason)
        return rest.apply(lambda values: values.cast(kind))


def _find_failing(values: pa.Array, kind: pa.DataType) -> list[str]:
    try:
        values.cast(kind)
    except pa.ArrowInvalid:
        half = len(values) // 2
        if not half:
            return [values[0].as_py()]
        return _find_failing(values[:half], kind) + _find_failing(values[half:], kind)
    return []
