"""The limits of a window of nights: what is usual among as many consecutive nights of the reference.

A sum of seven nights lies nearer to the reference than one night does, so a window has limits of its
own. Each run of that many consecutive reference nights is scored against the sum of all the others;
of single nights that is leave-one-out. Runs overlap; `apart` says how many there are that do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from airflow_mlmon.drift.limits import Limit, usual_limit
from airflow_mlmon.drift.methods import method_of
from airflow_mlmon.errors import LayoutMismatchError
from airflow_mlmon.profiles.columns.column import ColumnProfile, empty_column, sum_columns
from airflow_mlmon.profiles.layout import ColumnLayout, Layout
from airflow_mlmon.profiles.profile import Profile

FEWEST_APART = 2

Pairs = Iterable[tuple[ColumnProfile, ColumnProfile]]


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
    length: int = 1,
    *,
    methods: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Limit]:
    """The limit of each column for a window of `length` nights.

    A column has no limit where fewer than two windows that lie apart have enough values, or where its
    method needs rows; see `usual_limit`.

    Args:
        layout: the layout of the nights.
        nights: the reference's, in the order of the days.
        method: the drift score.
        quantile: which quantile of the windows' scores the limit is.
        length: nights in a window.
        methods: the drift scores of columns that have one of their own.

    Raises:
        LayoutMismatchError: a night was profiled under another layout.
        ConfigError: there is no such method.
    """
    for night in nights:
        if night.layout_id != layout.id:
            raise LayoutMismatchError(
                f"A reference night has layout {night.layout_id}, not {layout.id}.",
                hint="profile the reference's nights again",
                layout=night.layout_id,
                expected=layout.id,
            )

    def windows(column: ColumnLayout) -> Pairs:
        return _windows(empty_column(column), [night.columns[column.name] for night in nights], length)

    return _limits(layout, windows, method, methods, quantile, fewest=FEWEST_APART)


def paired_limits(
    layout: Layout,
    pairs: Sequence[tuple[Profile, Profile]],
    method: str,
    quantile: float,
    *,
    fewest: int,
    methods: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Limit]:
    """The limit of each column, from the scores of each second profile against its first.

    It is the limit of a night against the night before. A column whose method needs rows has none.

    Args:
        layout: the layout of the profiles.
        pairs: a night's profile behind that of the night before.
        method: the drift score.
        quantile: which quantile of the scores the limit is.
        fewest: pairs with enough values below which a column has no limit.
        methods: the drift scores of columns that have one of their own.
    """

    def sides(column: ColumnLayout) -> Pairs:
        return [(before.columns[column.name], after.columns[column.name]) for before, after in pairs]

    return _limits(layout, sides, method, methods, quantile, fewest=fewest)


def _limits(
    layout: Layout,
    pairs: Callable[[ColumnLayout], Pairs],
    method: str,
    methods: Mapping[str, str],
    quantile: float,
    *,
    fewest: int,
) -> dict[str, Limit]:
    limits = {}
    for column in layout.columns:
        chosen = method_of(column, method, methods)
        if not chosen.is_sampled and (limit := usual_limit(pairs(column), chosen, quantile, fewest=fewest)):
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
