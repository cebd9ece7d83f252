"""The limit of a night against the night before: what is usual between such neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from airflow_mlmon.drift.limits import MINIMUM_ROWS, Limit, usual_limit
from airflow_mlmon.drift.methods import method_of
from airflow_mlmon.profiles.layout import Layout
from airflow_mlmon.profiles.profile import Profile


def paired_limits(
    layout: Layout,
    pairs: Sequence[tuple[Profile, Profile]],
    method: str,
    quantile: float,
    *,
    fewest: int,
    methods: Mapping[str, str] = MappingProxyType({}),
    minimum_rows: int = MINIMUM_ROWS,
) -> dict[str, Limit]:
    """The limit of each column, from the scores of each second profile against its first.

    A column whose method needs rows has no limit.

    Args:
        layout: the layout of the profiles.
        pairs: a night's profile behind that of the night before.
        method: the drift score.
        quantile: which quantile of the scores the limit is.
        fewest: pairs with enough values below which a column has no limit.
        methods: the drift scores of columns that have one of their own.
        minimum_rows: finite values that both of a pair need.
    """
    limits = {}
    for column in layout.columns:
        chosen = method_of(column, method, methods)
        if chosen.is_sampled:
            continue
        sides = [(before.columns[column.name], after.columns[column.name]) for before, after in pairs]
        if limit := usual_limit(sides, chosen, quantile, fewest=fewest, minimum_rows=minimum_rows):
            limits[column.name] = limit
    return limits
