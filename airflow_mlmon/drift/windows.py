"""The limits of a window: what is usual among as many consecutive nights of the reference.

A sum of seven nights lies nearer to the reference than one night does, so a window has limits of its
own. Each run of that many consecutive reference nights is scored against the sum of all the others.
Runs overlap; `apart` says how many there are that do not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from airflow_mlmon.drift.limits import MINIMUM_ROWS, Limit, usual_limit
from airflow_mlmon.drift.methods import method_of
from airflow_mlmon.profiles.column import ColumnProfile, empty_column, sum_columns
from airflow_mlmon.profiles.layout import Layout
from airflow_mlmon.profiles.profile import Profile

FEWEST_APART = 2


def windows_of(nights: int, length: int) -> int:
    """How many runs of `length` consecutive nights there are; none where fewer than two lie apart.

    >>> windows_of(59, 7), windows_of(12, 7), windows_of(12, 6), windows_of(12, 0)
    (53, 0, 7, 0)
    """
    return nights - length + 1 if 0 < FEWEST_APART * length <= nights else 0


def window_limits(
    layout: Layout,
    nights: Sequence[Profile],
    method: str,
    quantile: float,
    length: int,
    *,
    methods: Mapping[str, str] = MappingProxyType({}),
    minimum_rows: int = MINIMUM_ROWS,
) -> dict[str, Limit]:
    """The limit of each column for a window of `length` nights.

    Of a night it is `leave_one_out_limits`. A column has no limit where fewer than two windows that
    lie apart have enough values, or where its method needs rows.

    Args:
        layout: the layout of the nights.
        nights: the reference's, in the order of the days.
        method: the drift score.
        quantile: which quantile of the windows' scores the limit is.
        length: nights in a window.
        methods: the drift scores of columns that have one of their own.
        minimum_rows: finite values that a window and the others need.
    """
    limits = {}
    for column in layout.columns:
        chosen = method_of(column, method, methods)
        if chosen.is_sampled:
            continue
        windows = _windows(empty_column(column), [night.columns[column.name] for night in nights], length)
        if limit := usual_limit(windows, chosen, quantile, minimum_rows=minimum_rows):
            limits[column.name] = limit
    return limits


def _windows(
    empty: ColumnProfile, nights: Sequence[ColumnProfile], length: int
) -> Iterator[tuple[ColumnProfile, ColumnProfile]]:
    """Each window behind the sum of the others."""
    before, after = [empty], [empty]
    for night in nights:
        before.append(sum_columns((before[-1], night)))
    for night in reversed(nights):
        after.append(sum_columns((after[-1], night)))
    for start in range(windows_of(len(nights), length)):
        window = sum_columns(nights[start : start + length])
        yield sum_columns((before[start], after[len(nights) - start - length])), window
