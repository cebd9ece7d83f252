"""Marks of rows with values beyond the expected range of their feature, such as that of the reference."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.capture.schema import TEXTS, CaptureError, CaptureSchema

Range = tuple[float | None, float | None]
_NUMBERS = ("float", "integer")
_KINDS = (*TEXTS, "integer", "boolean")


def check_ranges(schema: CaptureSchema, mark: str, ranges: Mapping[str, Range] | None) -> dict[str, Range]:
    """Return the ranges by which a column marks rows: the given ones, or else those that the spec's checks expect.

    Raises:
        CaptureError: there are none, or the column is no column of the spec that can hold the marks.
    """
    column = schema.columns.get(mark)
    if column is None or column.type not in _KINDS:
        raise CaptureError(
            f"out_of_range: {mark!r} is no column of the spec of type {', '.join(_KINDS)}; declare it, for example"
            f" `{mark}: {{type: category, role: ignored}}`"
        )
    kept = schema.kept
    found = {name: own for name, own in (ranges or schema.ranges).items() if name in kept or ranges}
    for name in found:
        if name not in kept or kept[name].type not in _NUMBERS:
            raise CaptureError(f"ranges: {name!r} is no column of numbers that is captured")
    if not found:
        raise CaptureError("out_of_range: no range is known; give `ranges`, such as {'age': (18, 99)}")
    return found


def mark_rows(columns: Mapping[str, pa.ChunkedArray], ranges: Mapping[str, Range], kind: str) -> pa.ChunkedArray:
    """Return what is beyond its range in each row: the names (a text), their number, or whether anything is."""
    flags = {name: _is_outside(columns[name], low, high) for name, (low, high) in ranges.items()}
    if kind == "boolean":
        return reduce(pc.or_, flags.values())
    if kind == "integer":
        return reduce(pc.add, (flag.cast(pa.int64()) for flag in flags.values()))
    words = [pc.if_else(flag, f"{name},", "") for name, flag in flags.items()]
    names = pc.utf8_rtrim(pc.binary_join_element_wise(*words, ""), ",")
    return pc.if_else(pc.equal(names, ""), pa.scalar(None, pa.string()), names)


def _is_outside(values: pa.ChunkedArray, low: float | None, high: float | None) -> pa.ChunkedArray:
    numbers = values.cast(pa.float64(), safe=False)
    below = pc.less(numbers, float("-inf") if low is None else float(low))
    above = pc.greater(numbers, float("inf") if high is None else float(high))
    return pc.fill_null(pc.or_(below, above), False)  # noqa: FBT003 - it has no keyword in every release of Arrow
