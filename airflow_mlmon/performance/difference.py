"""How far two versions of a model lie apart on the same nights, with 95 % confidence intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from airflow_mlmon.performance.labelled import LabelledProfile
from airflow_mlmon.performance.metrics import measure

_Z = 1.959963984540054
# of each metric that is a share: how many rows count, of how many
SHARES: Mapping[str, Callable[[LabelledProfile], tuple[int, int]]] = {
    "positive_share": lambda side: (side.positive, side.labelled),
    "accuracy": lambda side: (side.true_positive + side.true_negative, side.classified),
    "precision": lambda side: (side.true_positive, side.true_positive + side.false_positive),
    "recall": lambda side: (side.true_positive, side.true_positive + side.false_negative),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A metric of two versions.

    Attributes:
        metric: Its name.
        before: Its value for the version that is replaced.
        after: Its value for the version that replaces it.
        low: Lower end of the interval of `after - before`; None where it cannot be said.
        high: Upper end.
    """

    metric: str
    before: float | None
    after: float | None
    low: float | None = None
    high: float | None = None

    @property
    def is_apart(self) -> bool:
        """Whether the interval leaves no difference out."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


def compare_performance(before: LabelledProfile, after: LabelledProfile, min_share: float) -> list[Difference]:
    """Every metric that needs labels, of two versions.

    Accuracy, precision, recall and the share of positives have the interval of Agresti and Caffo (The
    American Statistician 54, 2000), which adds a success and a failure to each side; the ROC AUC that of
    Hanley and McNeil (Radiology 143, 1982), the sides being different rows. The others have none: what is
    kept of labelled rows does not say how their losses vary.
    """
    first = {value.metric: value.value for value in measure(before, min_share)}
    second = {value.metric: value.value for value in measure(after, min_share)}
    intervals = dict(_intervals(before, after, first, second))
    return [_difference(metric, first[metric], second[metric], intervals.get(metric)) for metric in first]


def share_interval(hits: int, rows: int, hits_after: int, rows_after: int) -> tuple[float, float]:
    """The interval of the difference of two shares, by Agresti and Caffo.

    >>> [round(end, 3) for end in share_interval(50, 100, 60, 100)]
    [-0.038, 0.234]
    """
    before, after = (hits + 1) / (rows + 2), (hits_after + 1) / (rows_after + 2)
    return _around(after - before, before * (1 - before) / (rows + 2) + after * (1 - after) / (rows_after + 2))


def mean_interval(mean: float, std: float, rows: int, after: tuple[float, float, int]) -> tuple[float, float]:
    """The interval of the difference of two means, by Welch with the normal law.

    >>> [round(end, 3) for end in mean_interval(0.0, 1.0, 100, (0.5, 1.0, 100))]
    [0.223, 0.777]
    """
    return _around(after[0] - mean, std**2 / rows + after[1] ** 2 / after[2])


def _intervals(
    before: LabelledProfile, after: LabelledProfile, first: dict[str, float | None], second: dict[str, float | None]
) -> Iterator[tuple[str, tuple[float, float]]]:
    for metric, share in SHARES.items():
        yield metric, share_interval(*share(before), *share(after))
    aucs = (first["roc_auc"], second["roc_auc"])
    if aucs[0] is not None and aucs[1] is not None:
        variance = auc_variance(aucs[0], before) + auc_variance(aucs[1], after)
        yield "roc_auc", _around(aucs[1] - aucs[0], variance)


def auc_variance(auc: float, side: LabelledProfile) -> float:
    """Hanley and McNeil's variance of an area under the ROC curve."""
    positive, negative = side.positive_cells.rows, side.negative_cells.rows
    of_positives = auc / (2 - auc) - auc**2
    of_negatives = 2 * auc**2 / (1 + auc) - auc**2
    return (auc * (1 - auc) + (positive - 1) * of_positives + (negative - 1) * of_negatives) / (positive * negative)


def _around(difference: float, variance: float) -> tuple[float, float]:
    width = _Z * math.sqrt(variance)
    return difference - width, difference + width


def _difference(
    metric: str, before: float | None, after: float | None, interval: tuple[float, float] | None
) -> Difference:
    if interval is None or before is None or after is None:
        return Difference(metric=metric, before=before, after=after)
    return Difference(metric=metric, before=before, after=after, low=interval[0], high=interval[1])
