"""Recognition of columns that number the rows, whose distribution depends on the number of rows alone."""

from __future__ import annotations

from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.spec.choices import MINIMUM_ROWS
from airflow_mlmon.tables.contents import is_index

_TOLERANCE = 1e-6


def numbers_rows(name: str, reference: ColumnProfile, current: ColumnProfile) -> bool:
    """Return whether a column numbers the rows: by its name, or by its values on both sides."""
    return is_index(name) or all(
        isinstance(side, NumericProfile) and _is_consecutive(side) for side in (reference, current)
    )


def _is_consecutive(column: NumericProfile) -> bool:
    """Return whether the values are consecutive integers, each once: as many as their range, with its squares' sum."""
    count = column.observed
    if count != column.rows or count < MINIMUM_ROWS or column.min is None or column.max is None:
        return False
    if column.max - column.min + 1 != count:
        return False
    expected = count * (count * count - 1) / 12
    quantum = float(column.schema.quantum)
    deviation = quantum * quantum * (column.squares - column.total**2 / count)
    return abs(deviation - expected) <= _TOLERANCE * expected
