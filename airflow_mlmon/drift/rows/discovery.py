"""Discovery of the relations that the rows of a reference hold; see `relations`."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import combinations, permutations

import numpy as np
import pyarrow as pa

from airflow_mlmon.drift.rows.relations import Relation, RelationKind
from airflow_mlmon.drift.rows.values import ColumnValues
from airflow_mlmon.profiles.schema import LONGEST_NAME
from airflow_mlmon.statistics.arrays import Flags, Floats, Integers

MOST_RELATIONS = 40
# of each kind but orders, and of the columns that are looked at
_MOST_OF_A_KIND = 12
_MOST_COLUMNS = 30
_BROKEN = 0.01
_BROKEN_ON_A_DAY = 0.03
# share of the rows that would break it if its columns were independent
_BROKEN_BY_CHANCE = 0.1
_FEWEST_ROWS = 100
_FEWEST_OF_A_DAY = 50
# rows of a value that determines another
_FEWEST_OF_A_VALUE = 5
_MOST_VALUES = 1_000
# rows that rule out most candidates
_LOOKED_AT = 64
_DECIMALS = 4
_ROUNDING = 1e-9
_ROUNDED = 1.5
# of the standard deviation, that rounding may explain
_COARSEST = 0.01


def find_relations(
    table: pa.Table, days: Integers, numbers: Sequence[str], categories: Sequence[str]
) -> tuple[Relation, ...]:
    """Find the relations of a sample of the reference, the most telling kinds first, at most 40.

    Args:
        table: the sample.
        days: a number of the day of each row.
        numbers: columns of numbers.
        categories: columns of few values.
    """
    cells = ColumnValues(table)
    held = [name for name in numbers if name in cells.names][:_MOST_COLUMNS]
    varied = [name for name in held if _varies(cells.numbers(name))]
    found: list[Relation] = []
    for candidates in (
        _equalities(cells, varied),
        _sums(cells, varied),
        _dependencies(cells, [name for name in categories if name in cells.names][:_MOST_COLUMNS]),
    ):
        found += _first(candidates, cells, days, _MOST_OF_A_KIND)
    spoken_for = {frozenset(pair) for one in found for pair in combinations(one.columns, 2)}
    orders = [
        one
        for one in _first(_orders(cells, varied), cells, days, _MOST_COLUMNS**2)
        if frozenset(one.columns) not in spoken_for
    ]
    return (*found, *_direct(orders))[:MOST_RELATIONS]


def _first(candidates: Iterable[Relation], cells: ColumnValues, days: Integers, most: int) -> list[Relation]:
    found: list[Relation] = []
    for one in candidates:
        if len(found) == most:
            break
        if _is_held(one, cells, days):
            found.append(one)
    return found


def _is_held(relation: Relation, cells: ColumnValues, days: Integers) -> bool:
    """Return whether nearly all rows hold it, on each day, though many would not by chance."""
    known, broken = relation.check(cells)
    rows = int(known.sum())
    if rows < _FEWEST_ROWS or int(broken.sum()) > _BROKEN * rows:
        return False
    of_day, broken_of_day = np.bincount(days[known]), np.bincount(days[broken], minlength=int(days.max()) + 1)
    many = np.flatnonzero(of_day >= _FEWEST_OF_A_DAY)
    return bool((broken_of_day[many] <= _BROKEN_ON_A_DAY * of_day[many]).all())


def _varies(values: Floats) -> bool:
    known = values[~np.isnan(values)]
    return known.size >= _FEWEST_ROWS and float(known.min()) < float(known.max())


def _rotated(values: Floats) -> Iterator[Floats]:
    """Yield the values against other rows of the sample."""
    for part in (3, 2):
        yield np.roll(values, len(values) // part)


def _share(differs: Floats, tolerance: float) -> float:
    known = ~np.isnan(differs)
    return float((differs[known] > tolerance).mean()) if known.any() else 0.0


def _orders(cells: ColumnValues, names: Sequence[str]) -> Iterator[Relation]:
    for low, high in permutations(names, 2):
        one, other = cells.numbers(low), cells.numbers(high)
        if _share(one - other, 0.0) > _BROKEN:
            continue
        if min(_share(one - moved, 0.0) for moved in _rotated(other)) >= _BROKEN_BY_CHANCE:
            yield Relation(kind=RelationKind.ORDER, columns=(low, high))


def _direct(orders: Sequence[Relation]) -> list[Relation]:
    """Return the orders that do not follow from two others."""
    pairs = {one.columns for one in orders}
    middles: Collection[str] = {name for pair in pairs for name in pair}
    return [
        one
        for one in orders
        if not any((one.columns[0], name) in pairs and (name, one.columns[1]) in pairs for name in middles)
    ]


def _equalities(cells: ColumnValues, names: Sequence[str]) -> Iterator[Relation]:
    for first, second in combinations(names, 2):
        one, other = cells.numbers(first), cells.numbers(second)
        yield from _within(RelationKind.EQUALITY, (first, second), (one, other))


def _sums(cells: ColumnValues, names: Sequence[str]) -> Iterator[Relation]:
    for first, second in combinations(names, 2):
        one, other = cells.numbers(first), cells.numbers(second)
        total = one + other
        looked_at = np.flatnonzero(~np.isnan(total))[:_LOOKED_AT]
        for name in names:
            if name in (first, second) or not _may_be(cells.numbers(name)[looked_at], total[looked_at]):
                continue
            yield from _within(RelationKind.SUM, (name, first, second), (cells.numbers(name), one, other))


def _may_be(values: Floats, total: Floats) -> bool:
    """Return whether most values are near the total: it rules out what is not even rounded."""
    known = ~np.isnan(values)
    width = max(_coarsest(total), _ROUNDING)
    return bool(known.any() and (np.abs(values - total)[known] <= width).mean() > 1 - 2 * _BROKEN_ON_A_DAY)


def _coarsest(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return _COARSEST * float(known.std()) if known.size else 0.0


def _within(kind: RelationKind, columns: tuple[str, ...], values: tuple[Floats, ...]) -> Iterator[Relation]:
    """Yield an equality with the smallest tolerance that holds it; none if rounding does not explain the rest."""
    first, *others = values
    difference = np.abs(first - sum(others[1:], others[0]))
    for tolerance in _tolerances(first):
        if _share(difference, tolerance) > _BROKEN:
            continue
        # each column but the first rotated: of a sum, none may be one that hardly counts
        for place, other in enumerate(others):
            rest = sum((one for at, one in enumerate(others) if at != place), np.zeros(len(first)))
            if min(_share(np.abs(first - rest - moved), tolerance) for moved in _rotated(other)) < _BROKEN_BY_CHANCE:
                return
        yield Relation(kind=kind, columns=columns, tolerance=tolerance)
        return


def _tolerances(values: Floats) -> Iterator[float]:
    known = values[~np.isnan(values)]
    exact = _ROUNDING * max(float(np.abs(known).max(initial=0.0)), _ROUNDING)
    yield exact
    unit = _unit(known[:_LOOKED_AT])
    if unit is not None and exact < _ROUNDED * unit <= _coarsest(values):
        yield _ROUNDED * unit


def _unit(values: Floats) -> float | None:
    """Return the largest power of ten, from 1 to a ten thousandth, of which all values are multiples."""
    for decimals in range(_DECIMALS + 1):
        if np.allclose(values, np.round(values, decimals), rtol=0, atol=math.ldexp(1.0, -30)):
            return float(10.0**-decimals)
    return None


def _dependencies(cells: ColumnValues, names: Sequence[str]) -> Iterator[Relation]:
    coded = {name: cells.codes(name) for name in names}
    kept = [name for name, (_, texts) in coded.items() if 1 < len(texts) <= _MOST_VALUES]
    found: set[tuple[str, str]] = set()
    for first, second in permutations(kept, 2):
        if (second, first) in found or _follows(found, first, second):
            continue
        values = _determined(coded[first], coded[second])
        if values:
            found.add((first, second))
            yield Relation(kind=RelationKind.DEPENDENCY, columns=(first, second), values=values)


def _follows(found: Collection[tuple[str, str]], first: str, second: str) -> bool:
    return any((first, middle) in found and (middle, second) in found for middle in {pair[1] for pair in found})


def _determined(one: tuple[Integers, pa.Array], other: tuple[Integers, pa.Array]) -> dict[str, str]:
    """Return the most frequent value of the second column by that of the first; empty if it is no dependency."""
    known = (one[0] >= 0) & (other[0] >= 0)
    width = len(other[1])
    pairs, counts = np.unique(one[0][known] * width + other[0][known], return_counts=True)
    if not len(pairs):
        return {}
    firsts, seconds = pairs // width, pairs % width
    totals = np.bincount(firsts, weights=counts, minlength=len(one[1]))
    order = np.lexsort((seconds, -counts, firsts))
    is_most: Flags = np.concatenate([[True], np.diff(firsts[order]) > 0])
    most = order[is_most]
    often = most[totals[firsts[most]] >= _FEWEST_OF_A_VALUE]
    rows = float(totals[firsts[often]].sum())
    # half of the rows have a value that was seen before
    if rows < max(counts.sum() / 2, _FEWEST_ROWS) or counts[often].sum() < (1 - _BROKEN) * rows:
        return {}
    # what nearly every row has is determined by anything
    shares = np.bincount(seconds[often], weights=totals[firsts[often]]) / rows
    if 1 - float((shares**2).sum()) < _BROKEN_BY_CHANCE:
        return {}
    texts = [(str(one[1][int(firsts[at])]), str(other[1][int(seconds[at])])) for at in often]
    return dict(texts) if max(map(len, (text for pair in texts for text in pair))) <= LONGEST_NAME else {}
