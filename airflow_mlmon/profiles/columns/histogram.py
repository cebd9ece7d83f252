"""Histogram for display: the shares of two profiles of one column on the same few bins."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from airflow_mlmon.errors import ProfileSchemaMismatchError
from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.distribution import align
from airflow_mlmon.profiles.columns.identifier import IdentifierProfile
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.columns.vector import VectorProfile

MAX_BINS = 20
_TOP = 10
_TAIL = 0.01
OTHER = "(other)"
UNSEEN = "(unseen)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Bars of both sides.

    Attributes:
        labels: Label of each bar.
        edges: Edges of numeric ranges, one more than bars; the outer bars also hold the values beyond the
            outer edges. Empty where a bar is a single value.
        reference: Share of the reference values per bar.
        current: Share of the current values per bar.
    """

    labels: tuple[str, ...]
    edges: tuple[float, ...]
    reference: tuple[float, ...]
    current: tuple[float, ...]


def build_histogram(reference: ColumnProfile, current: ColumnProfile, bins: int = MAX_BINS) -> Histogram:
    """Bin two profiles of a column for display; no bars if neither has a value, or for identifiers.

    Numbers, and the norms of vectors: one bar per value up to `bins` values, else bars of equal width between the
    1 % and the 99 % quantile of the reference, the outer bars open. Categories: the ten values with the largest
    share on either side, then the rest of the vocabulary and the new categories.
    """
    if isinstance(reference, VectorProfile) and isinstance(current, VectorProfile):
        return _numeric(reference.norm, current.norm, bins)
    if isinstance(reference, NumericProfile) and isinstance(current, NumericProfile):
        return _numeric(reference, current, bins)
    if isinstance(reference, CategoryProfile) and isinstance(current, CategoryProfile):
        return _category(reference, current)
    if isinstance(reference, IdentifierProfile) and isinstance(current, IdentifierProfile):
        return _histogram((), (), np.zeros(0), np.zeros(0))
    kinds = f"of kind {reference.schema.kind} in one profile and {current.schema.kind} in the other"
    raise ProfileSchemaMismatchError(f"Column {reference.schema.name!r} is {kinds}.")


def _numeric(reference: NumericProfile, current: NumericProfile, bins: int) -> Histogram:
    keys, first, second = align(reference.distribution, current.distribution)
    values = keys + reference.schema.centre
    if len(values) <= bins:
        return _histogram(tuple(f"{value:.6g}" for value in values.tolist()), (), first, second)
    side = reference if reference.observed else current
    low, high = side.quantile(_TAIL), side.quantile(1 - _TAIL)
    if low is None or high is None or low == high:
        low, high = float(values[0]), float(values[-1])
    edges = np.linspace(low, high, bins + 1)
    places = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, bins - 1)
    return _histogram(
        _labels(edges),
        tuple(edges.tolist()),
        np.bincount(places, weights=first, minlength=bins),
        np.bincount(places, weights=second, minlength=bins),
    )


def _labels(edges: npt.NDArray[np.float64]) -> tuple[str, ...]:
    texts = [f"{edge:.4g}" for edge in edges.tolist()]
    inner = [f"{low} to {high}" for low, high in pairwise(texts[1:-1])]
    return (f"< {texts[1]}", *inner, f"≥ {texts[-2]}")


def _category(reference: CategoryProfile, current: CategoryProfile) -> Histogram:
    vocabulary = reference.schema.vocabulary
    positions = np.arange(len(vocabulary))
    first, second = reference.known.spread(positions), current.known.spread(positions)
    largest = np.maximum(first / max(reference.observed, 1), second / max(current.observed, 1))
    order = np.argsort(-largest, kind="stable")
    top, rest = order[:_TOP], order[_TOP:]
    rows = [(vocabulary[at], int(first[at]), int(second[at])) for at in top.tolist() if largest[at]]
    rows.append((OTHER, int(first[rest].sum()), int(second[rest].sum())))
    rows.append((UNSEEN, reference.unseen_rows, current.unseen_rows))
    shown = [row for row in rows if row[1] or row[2]]
    return _histogram(
        tuple(name for name, _, _ in shown),
        (),
        np.array([count for _, count, _ in shown], dtype=np.float64),
        np.array([count for _, _, count in shown], dtype=np.float64),
    )


def _histogram(
    labels: tuple[str, ...],
    edges: tuple[float, ...],
    reference: npt.NDArray[np.number],
    current: npt.NDArray[np.number],
) -> Histogram:
    return Histogram(labels=labels, edges=edges, reference=_shares(reference), current=_shares(current))


def _shares(counts: npt.NDArray[np.number]) -> tuple[float, ...]:
    return tuple((counts / max(float(counts.sum()), 1.0)).tolist())


def share_bars(bins: Histogram, column: ColumnProfile) -> tuple[float, ...]:
    """Compute the shares of a column's values in the bars of a histogram of the same column."""
    if isinstance(column, VectorProfile):
        return share_bars(bins, column.norm)
    if isinstance(column, NumericProfile):
        points = column.distribution.points
        values = points.keys + column.schema.centre
        if bins.edges:
            last = len(bins.labels) - 1
            places = np.clip(np.searchsorted(np.array(bins.edges), values, side="right") - 1, 0, last)
            return _shares(np.bincount(places, weights=points.counts, minlength=last + 1))
        counts = dict(zip((f"{value:.6g}" for value in values.tolist()), points.counts.tolist(), strict=True))
        return _over(column.observed, [counts.get(label, 0) for label in bins.labels])
    if isinstance(column, CategoryProfile):
        vocabulary = column.schema.vocabulary
        known = column.known.spread(np.arange(len(vocabulary)))
        counts = dict(zip(vocabulary, known.tolist(), strict=True))
        named = [counts.get(label, 0) for label in bins.labels]
        rest = {OTHER: int(known.sum()) - sum(named), UNSEEN: column.unseen_rows}
        return _over(
            column.observed,
            [
                rest.get(label, count) if label not in counts else count
                for label, count in zip(bins.labels, named, strict=True)
            ],
        )
    return ()


def _over(total: int, counts: list[int]) -> tuple[float, ...]:
    return tuple(count / max(total, 1) for count in counts)
