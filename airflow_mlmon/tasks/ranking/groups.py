"""Scores of ranked groups, and what they are expected to be in a random order.

Gains are linear and ties share theirs, as in `sklearn.metrics.ndcg_score`. Elsewhere, among equal scores the less
relevant row comes first: a tie never helps. AP@k is divided by the smaller of k and the number of relevant rows, and
precision@k by the smaller of k and the rows of the group.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from airflow_mlmon.statistics.arrays import Counts, Flags, Floats, Integers
from airflow_mlmon.statistics.random_order import chance_of_one, expected_precisions, expected_reciprocal
from airflow_mlmon.tasks.ranking.table import AUC, HIT_RATE, MAP, MRR, NDCG, PRECISION, RECALL


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """Metric of groups.

    Attributes:
        metric: Its name.
        values: Its value for each group that has one.
        random: What is expected of them in a random order.
    """

    metric: str
    values: Floats
    random: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """Rows by group, and in each group by place.

    Attributes:
        at: Where the rows came from.
        starts: First row of each group.
        sizes: Rows of each group.
        relevance: Relevance of each row.
        blocks: First row of each run of rows with equal scores in a group.
        ideal: Relevance of each row of the best order.
    """

    at: Integers
    starts: Integers
    sizes: Counts
    relevance: Floats
    blocks: Integers
    ideal: Floats

    @property
    def places(self) -> Integers:
        """Place of each row in its group, from 0."""
        return np.arange(len(self.at)) - np.repeat(self.starts, self.sizes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Rows with numbers that order them; those of a part of the rows order the part.

    Attributes:
        group: Number of the group.
        place: Place of the row among all, by group, order, relevance, and then as they come.
        block: Number of the run of rows with equal scores in a group.
        grade: Number of the relevance among the distinct ones.
        relevance: Relevance.
    """

    group: npt.NDArray[np.integer]
    place: npt.NDArray[np.integer]
    block: npt.NDArray[np.integer]
    grade: npt.NDArray[np.integer]
    relevance: Floats


def place_rows(group: Integers, order: Floats, relevance: Floats) -> Placed:
    """Order the rows by group, then by `order`, the less relevant of equal ones first, then as they come."""
    rows = len(group)
    ties, grades = _codes(order), _codes(relevance)
    # sorting integers that hold several keys is ten times faster than sorting by several columns
    within = _sorted(_packed(ties, grades, rows))
    at = within[_sorted(group[within])]
    is_new = _is_new(group[at]) | _is_new(ties[at])
    place, block = np.empty(rows, dtype=np.int64), np.empty(rows, dtype=np.int64)
    place[at], block[at] = np.arange(rows), np.cumsum(is_new)
    return Placed(group=group, place=place, block=block, grade=grades, relevance=relevance)


def rank_rows(rows: Placed, held: Integers) -> Ranked:
    """Put the rows that count in the order of their places, and their relevance in the best order."""
    at = held[_sorted(rows.place[held])]
    group, grade, relevance, size = rows.group[at], rows.grade[at].astype(np.int64), rows.relevance[at], len(at)
    starts = np.flatnonzero(_is_new(group))
    grades = int(grade.max(initial=-1)) + 1
    values = np.empty(grades)
    values[grade] = relevance
    best = grades - 1 - _low_bits(np.sort(_packed(group, grades - 1 - grade, grades)), grades)
    return Ranked(
        at=at,
        starts=starts,
        sizes=np.diff(np.append(starts, size)),
        relevance=relevance,
        blocks=np.flatnonzero(_is_new(rows.block[at])),
        ideal=values[best],
    )


def score_groups(rows: Ranked, cutoff: int) -> Iterator[Scored]:
    """Compute every metric of each group; those without a relevant row have some only."""
    if not len(rows.starts):
        return
    hits = rows.relevance > 0
    relevant = _sum(hits, rows)
    places, most = rows.places, np.minimum(rows.sizes, cutoff)
    is_shown = places < cutoff
    found: Integers = np.cumsum(hits)
    found = found - np.repeat(found[rows.starts] - hits[rows.starts], rows.sizes)
    shown = _sum(hits & is_shown, rows)
    share = relevant / rows.sizes
    has = relevant > 0
    first = np.maximum.reduceat(np.where(hits, 1 / (places + 1), 0.0), rows.starts)
    yield _ndcg(rows, np.where(is_shown, 1 / np.log2(places + 2.0), 0.0), most, has)
    yield _average_precision(rows, np.where(hits & is_shown, found / (places + 1), 0.0), relevant, most, has)
    # groups of equal size and number of relevant rows expect the same of a random order
    pairs, of = np.unique(_packed(rows.sizes, relevant, len(hits)), return_inverse=True)
    size, among = pairs >> len(hits).bit_length(), _low_bits(pairs, len(hits))
    random_hit = chance_of_one(size, among, np.minimum(size, cutoff))[of]
    yield Scored(metric=MRR, values=first, random=expected_reciprocal(size, among)[of])
    yield Scored(metric=HIT_RATE, values=(shown > 0).astype(float), random=random_hit)
    yield Scored(metric=PRECISION, values=shown / most, random=share)
    yield Scored(metric=RECALL, values=(shown[has] / relevant[has]), random=(most / rows.sizes)[has])
    yield _auc(rows, hits, relevant)


def _ndcg(rows: Ranked, discount: Floats, most: Counts, has: Flags) -> Scored:
    lengths = np.diff(np.append(rows.blocks, len(discount)))
    shared = np.repeat(np.add.reduceat(rows.relevance, rows.blocks) / lengths, lengths)
    gained, best = (np.add.reduceat(gains * discount, rows.starts)[has] for gains in (shared, rows.ideal))
    mean = (np.add.reduceat(rows.relevance, rows.starts) / rows.sizes)[has]
    discounts = np.cumsum(1 / np.log2(np.arange(2.0, int(most.max()) + 2)))
    return Scored(metric=NDCG, values=gained / best, random=mean * discounts[most[has] - 1] / best)


def _average_precision(rows: Ranked, precisions: Floats, relevant: Counts, most: Counts, has: Flags) -> Scored:
    """Divide the sum of the precisions at the relevant rows among the first."""
    size, found, shown = rows.sizes[has], relevant[has], most[has]
    whole = np.minimum(found, shown)
    random = expected_precisions(size, found, shown) / whole
    return Scored(metric=MAP, values=np.add.reduceat(precisions, rows.starts)[has] / whole, random=random)


def _auc(rows: Ranked, hits: Flags, relevant: Counts) -> Scored:
    """Count the pairs of a relevant row and another in the right order; ties count half."""
    lengths = np.diff(np.append(rows.blocks, len(hits)))
    ours = np.add.reduceat(hits.astype(np.int64), rows.blocks)
    theirs = lengths - ours
    first = np.searchsorted(rows.blocks, rows.starts)
    before = np.cumsum(theirs) - theirs
    irrelevant = rows.sizes - relevant
    behind = np.repeat(before[first] + irrelevant, np.diff(np.append(first, len(ours)))) - before
    twice = np.add.reduceat(ours * (2 * behind - theirs), first)
    has = (relevant > 0) & (irrelevant > 0)
    values = twice[has] / (2 * relevant * irrelevant)[has]
    return Scored(metric=AUC, values=values, random=np.full(len(values), 0.5))


def _sum(flags: Flags, rows: Ranked) -> Counts:
    found: Counts = np.add.reduceat(flags.astype(np.int64), rows.starts)
    return found


def _codes(values: Floats) -> Integers:
    """Number the distinct values in ascending order."""
    at = np.argsort(values)
    codes = np.empty(len(values), dtype=np.int64)
    codes[at] = np.cumsum(_is_new(values[at])) - 1
    return codes


def _is_new(values: Floats | npt.NDArray[np.integer]) -> Flags:
    """Mark each value that differs from the one before."""
    marks = np.ones(len(values), dtype=np.bool_)
    np.not_equal(values[1:], values[:-1], out=marks[1:])
    return marks


def _sorted(keys: npt.NDArray[np.integer]) -> Integers:
    """Return where the keys are in ascending order, equal ones as they come."""
    rows = len(keys)
    return _low_bits(np.sort(_packed(keys, np.arange(rows), rows)), rows)


def _packed(high: npt.NDArray[np.integer], low: Integers, limit: int) -> Integers:
    """Put two numbers into one, the lower one below a limit."""
    packed: Integers = (high.astype(np.int64) << limit.bit_length()) | low
    return packed


def _low_bits(packed: Integers, limit: int) -> Integers:
    low: Integers = packed & ((1 << limit.bit_length()) - 1)
    return low
