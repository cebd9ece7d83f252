"""Differences between two scores of the same labelled rows, each with its 95 % confidence interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

Values = npt.NDArray[np.float64]
_Z = 1.959963984540054
_LEAST_SCORE = 1e-6
# of which class a variance can be told
_FEWEST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """Metric of the old and the new score of the same rows.

    Attributes:
        metric: its name.
        old: value of the score so far.
        new: value of the new score.
        low: lower end of the interval of `new - old`; None where the rows do not say how it varies.
        high: upper end.
    """

    metric: str
    old: float
    new: float
    low: float | None
    high: float | None


def contrast_scores(labels: npt.NDArray[np.bool_], old: Values, new: Values) -> list[Paired]:
    """Compare ROC AUC, log loss and Brier score; without labels of both classes there is no ROC AUC."""
    found = [] if labels.all() or not labels.any() else [_roc_auc(labels, old, new)]
    losses = {"log_loss": _log_losses, "brier": _squares}
    return [*found, *(_mean(name, loss(labels, old), loss(labels, new)) for name, loss in losses.items())]


def _roc_auc(labels: npt.NDArray[np.bool_], old: Values, new: Values) -> Paired:
    """Compare areas under the ROC curve by DeLong, DeLong and Clarke-Pearson (Biometrics 44, 1988)."""
    placed = [_placements(labels, score) for score in (old, new)]
    areas = [float(cases.mean()) for cases, _ in placed]
    variance = 0.0
    for place, size in enumerate((int(labels.sum()), int((~labels).sum()))):
        if size < _FEWEST:
            return Paired(metric="roc_auc", old=areas[0], new=areas[1], low=None, high=None)
        variance += float(np.var(placed[1][place] - placed[0][place], ddof=1)) / size
    return _around("roc_auc", areas[0], areas[1], variance)


def _placements(labels: npt.NDArray[np.bool_], score: Values) -> tuple[Values, Values]:
    """Return for each case the share of controls below it, and for each control the share of cases above it."""
    ranks = rankdata(score)
    cases, controls = ranks[labels], ranks[~labels]
    below = (cases - rankdata(score[labels])) / len(controls)
    above = 1 - (controls - rankdata(score[~labels])) / len(cases)
    return below, above


def _mean(metric: str, old: Values, new: Values) -> Paired:
    if len(old) < _FEWEST:
        return Paired(metric=metric, old=float(old.mean()), new=float(new.mean()), low=None, high=None)
    return _around(metric, float(old.mean()), float(new.mean()), float(np.var(new - old, ddof=1)) / len(old))


def _around(metric: str, old: float, new: float, variance: float) -> Paired:
    width = _Z * variance**0.5
    return Paired(metric=metric, old=old, new=new, low=new - old - width, high=new - old + width)


def _log_losses(labels: npt.NDArray[np.bool_], score: Values) -> Values:
    clipped = np.clip(score, _LEAST_SCORE, 1 - _LEAST_SCORE)
    return -np.log(np.where(labels, clipped, 1 - clipped))


def _squares(labels: npt.NDArray[np.bool_], score: Values) -> Values:
    return (score - labels) ** 2
