"""Batches of rows that are logged together: mappings, columns, tables or data frames, taken apart row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from airflow_mlmon.capture.arrangement import plain_value


class UnevenError(Exception):
    """Parts of a batch have different numbers of rows, of which `rows` are those of the features."""

    def __init__(self, rows: int) -> None:
        super().__init__(rows)
        self.rows = rows


class LoggedBatch:
    """Rows of features, and what was logged beside them.

    Args:
        features: a list of mappings, a mapping of columns, a table of pyarrow, or a data frame.

    Raises:
        UnevenError: the columns have different numbers of rows.
        TypeError: it is none of these.
    """

    def __init__(self, features: Any) -> None:
        rows = _to_rows(features)
        if not isinstance(rows, Sequence) or isinstance(rows, str | bytes):
            raise TypeError
        self._rows = rows

    def rows(self, several: Sequence[Any], each: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        """Yield the parts of each row: its features, those that each row has of its own, and those that may be shared.

        Raises:
            UnevenError: there are more or fewer of a part than rows.
        """
        return zip(self._rows, *map(self._several, several), *map(self._each, each), strict=True)

    def _several(self, given: Any) -> Sequence[Any]:
        """Return a part that each row has of its own."""
        if given is None:
            return [None] * len(self._rows)
        return self._checked(_to_rows(given))

    def _each(self, given: Any) -> Sequence[Any]:
        """Return a part that each row has of its own, or all have in common."""
        found = _to_list(given)
        return self._checked(found) if isinstance(found, list | tuple) else [given] * len(self._rows)

    def _checked(self, found: Any) -> Sequence[Any]:
        if len(found) != len(self._rows):
            raise UnevenError(len(self._rows))
        rows: Sequence[Any] = found
        return rows


def _to_rows(given: Any) -> Any:
    """Return rows: mappings of a table, of columns or of a data frame, or the items of a list or an array."""
    if hasattr(given, "to_pylist"):
        return given.to_pylist()
    if hasattr(given, "to_dicts"):
        return given.to_dicts()
    if hasattr(given, "to_dict") and hasattr(given, "columns"):
        return given.to_dict("records")
    if not isinstance(given, Mapping):
        return _to_list(given)
    columns = {name: _to_list(values) for name, values in given.items()}
    lengths = {len(values) for values in columns.values()}
    if len(lengths) > 1:
        raise UnevenError(max(lengths))
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _to_list(given: Any) -> Any:
    return given.to_pylist() if hasattr(given, "to_pylist") else plain_value(given)
