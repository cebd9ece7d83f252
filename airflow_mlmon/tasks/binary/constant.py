"""Scores of constant predictions of a binary classifier, beside which its own are read."""

from __future__ import annotations

import math
from collections.abc import Mapping

from airflow_mlmon.spec.worth import Worth
from airflow_mlmon.tasks.binary.outcome import BinaryOutcomes
from airflow_mlmon.tasks.binary.table import TOPS
from airflow_mlmon.tasks.classification import HALF


def score_constants(
    outcomes: BinaryOutcomes, reference: BinaryOutcomes, worth: Worth | None = None
) -> Mapping[str, float]:
    """Score the best constant prediction of the reference on the labels of `outcomes`, by metric.

    Accuracy is that of the reference's more frequent class; log loss and Brier score are those of its share of
    positives as the score; precision and F1 those of always predicting positive, because the other class has
    neither; business value that of the class that is worth more in the reference. The recall of a constant class, 0 or
    1, says nothing, and a share of 0 or 1 has no log loss.
    """
    if not reference.labelled:
        return {}
    prior = reference.positive / reference.labelled
    scores: dict[str, float] = {}
    if classified := outcomes.classified:
        positives = outcomes.true_positive + outcomes.false_negative
        scores["accuracy"] = (positives if prior > HALF else classified - positives) / classified
        if positives:
            scores["precision"] = positives / classified
            scores["f1"] = 2 * positives / (classified + positives)
        if 0 < positives < classified:
            scores["balanced_accuracy"] = HALF
        if worth is not None:
            scores["business_value"] = _worth_of_constant(positives / classified, prior, worth)
    if scored := outcomes.scored:
        rate = outcomes.positive_cells.rows / scored
        scores["brier"] = rate * (1 - prior) ** 2 + (1 - rate) * prior**2
        if 0 < prior < 1:
            scores["log_loss"] = -rate * math.log(prior) - (1 - rate) * math.log(1 - prior)
        scores["ece"] = abs(rate - prior)
        scores |= {f"positive_rate_{name}": rate for name in TOPS}
        if rate:
            scores |= {"average_precision": rate, **{f"lift_{name}": 1.0 for name in TOPS}}
        if 0 < rate < 1:
            scores |= {"roc_auc": HALF, "gini": 0.0, "ks": 0.0}
    return scores


def _worth_of_constant(share: float, prior: float, worth: Worth) -> float:
    """Return the worth of a row at this share of positives, if all have the class that is worth more at the prior."""
    rows = ((worth.true_positive, worth.false_positive), (worth.false_negative, worth.true_negative))
    hit, miss = max(rows, key=lambda row: prior * row[0] + (1 - prior) * row[1])
    return share * hit + (1 - share) * miss
