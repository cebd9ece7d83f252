"""How far a metric of some rows lies from that of other rows, and how often chance alone goes so far."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from airflow_mlmon.performance.difference import SHARES, auc_variance, compare_performance
from airflow_mlmon.performance.labelled import LabelledProfile
from airflow_mlmon.performance.metrics import measure, roc_auc
from airflow_mlmon.profiles.columns.tally import Tally

# the law of an area under the ROC curve does not hold for fewer labels of a class
_FEWEST_OF_CLASS = 20
# a tail of more terms adds nothing to its sum, whatever the rows
_MOST_TERMS = 200_000


class SliceMetric(StrEnum):
    """What slices are compared by."""

    ACCURACY = "accuracy"
    PRECISION = "precision"
    RECALL = "recall"
    ROC_AUC = "roc_auc"
    POSITIVE_SHARE = "positive_share"

    @property
    def has_direction(self) -> bool:
        """Whether less of it is worse."""
        return self is not SliceMetric.POSITIVE_SHARE


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """A metric of some rows beside that of others.

    Attributes:
        own: Its value for the rows.
        other: Its value for the others.
        low: Lower end of the 95 % interval of `own - other`; None where it cannot be said.
        high: Upper end.
        p_value: How often rows of one kind differ so much; None where that is not judged.
        note: In words, why it is not.
    """

    own: float | None
    other: float | None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    note: str = ""

    @property
    def difference(self) -> float | None:
        """The value of the rows less that of the others."""
        return None if self.own is None or self.other is None else self.own - self.other


def contrast(
    metric: SliceMetric, rows: LabelledProfile, others: LabelledProfile, *, min_share: float, minimum_rows: int
) -> Contrast:
    """A metric of some rows against others, with its p-value.

    Shares (accuracy, precision, recall, positive labels) have Fisher's exact test, which keeps its level
    at any number of rows and in tails as far as a correction over many slices asks for; an area under the
    ROC curve the normal law with Hanley and McNeil's variance, where either side has 20 labels of each
    class. The interval is that of `compare_performance`, before any correction. Nothing is tested on fewer
    than `minimum_rows` rows a side, or while less than `min_share` of the labels has come.
    """
    [found] = [row for row in compare_performance(others, rows, min_share) if row.metric == metric]
    made = Contrast(own=found.after, other=found.before, low=found.low, high=found.high)
    for side, profile, value in (("the slice", rows, made.own), ("the other side", others, made.other)):
        if value is None:
            return replace(made, low=None, high=None, note=f"{side}: {_reason(metric, profile, min_share)}")
        if (count := _count(metric, profile)) < minimum_rows:
            return replace(made, note=f"{side} has {count} rows to measure {metric} on, fewer than {minimum_rows}")
    if metric is not SliceMetric.ROC_AUC:
        share = SHARES[metric]
        return replace(made, p_value=exact_p_value(*share(rows), *share(others)))
    fewest = min(min(side.positive_cells.rows, side.negative_cells.rows) for side in (rows, others))
    if fewest < _FEWEST_OF_CLASS:
        return replace(made, note=f"a side has {fewest} labels of a class, fewer than {_FEWEST_OF_CLASS}")
    return replace(made, p_value=_auc_p_value(rows, others))


def exact_p_value(hits: int, rows: int, others_hits: int, others_rows: int) -> float:
    """How often, were hits spread by chance, so many or so few would fall into some of the rows.

        2 * min(P(X <= hits), P(X >= hits)),  X hypergeometric: rows drawn of all, of which the hits of both count

    at most 1. Exact at any size, and never too small. Source: Fisher 1935; twice the smaller tail of
    scipy.stats.hypergeom.

    >>> round(exact_p_value(15, 20, 85, 100), 4)
    0.4311
    """
    total, marked = rows + others_rows, hits + others_hits
    if hits * total > rows * marked:
        # the upper tail of hits is the lower one of what they are not
        hits, marked = rows - hits, total - marked
    fewest = max(0, rows + marked - total)
    if hits < fewest or not rows or not others_rows:
        return 1.0
    own = math.exp(_log_choose(marked, hits) + _log_choose(total - marked, rows - hits) - _log_choose(total, rows))
    at = np.arange(hits, max(fewest, hits - _MOST_TERMS), -1, dtype=np.float64)
    ratios = at / (marked - at + 1) * (total - marked - rows + at) / (rows - at + 1)
    return min(1.0, 2 * own * (1 + float(np.cumprod(ratios).sum())))


def without(whole: LabelledProfile, part: LabelledProfile) -> LabelledProfile:
    """The profile of the rows of a whole that are not in a part of it."""
    numbers = {name: getattr(whole, name) - getattr(part, name) for name in LabelledProfile.numbers()}
    return LabelledProfile(
        positive_cells=_less(whole.positive_cells, part.positive_cells),
        negative_cells=_less(whole.negative_cells, part.negative_cells),
        **numbers,
    )


def _less(whole: Tally, part: Tally) -> Tally:
    return Tally.of_counts(whole.keys, whole.counts - part.spread(whole.keys))


def _auc_p_value(rows: LabelledProfile, others: LabelledProfile) -> float:
    """Two-sided, by the normal law.

    The variance is the larger of two: at the areas as they are, and at their common one, because an area
    of 1 has none of its own.
    """
    areas = [(found[0] if (found := roc_auc(side)) else 0.0) for side in (rows, others)]
    weights = [side.positive_cells.rows * side.negative_cells.rows for side in (rows, others)]
    common = float(np.average(areas, weights=weights))
    variances = (
        sum(auc_variance(area, side) for area, side in zip(of, (rows, others), strict=True))
        for of in (areas, [common, common])
    )
    variance = max(variances)
    if variance <= 0:
        return 1.0
    return math.erfc(abs(areas[0] - areas[1]) / math.sqrt(2 * variance))


def _count(metric: SliceMetric, side: LabelledProfile) -> int:
    return side.scored if metric is SliceMetric.ROC_AUC else SHARES[metric](side)[1]


def _reason(metric: SliceMetric, side: LabelledProfile, min_share: float) -> str:
    [value] = [value for value in measure(side, min_share) if value.metric == metric]
    return value.reason or "no value"


def _log_choose(many: int, few: int) -> float:
    return math.lgamma(many + 1) - math.lgamma(few + 1) - math.lgamma(many - few + 1)
