"""Scores of constant predictions of a classifier of several classes, beside which its own are read."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.statistics.arrays import Floats
from airflow_mlmon.tasks.cells import EPSILON
from airflow_mlmon.tasks.classification import HALF
from airflow_mlmon.tasks.multiclass.metrics import Confusion, classes_of
from airflow_mlmon.tasks.sums import OutcomeSums


def score_constant_class(outcomes: OutcomeSums, reference: OutcomeSums) -> Mapping[str, float]:
    """Score the best constant prediction of the reference on the labels of `outcomes`, by metric.

    Shares of hits are those of the reference's most frequent class; log loss and Brier score those of its shares of
    labels as the probabilities.
    """
    if not reference.labelled or classes_of(reference) != classes_of(outcomes):
        return {}
    labels = Confusion.of(outcomes).labels
    rows, classes = int(labels.sum()), int((labels > 0).sum())
    majority = int(np.argmax(_labels(reference)[:-1]))
    scores: dict[str, float] = {}
    if rows:
        share = int(labels[majority]) / rows
        recall = 1 / classes if share else 0.0
        f1 = 2 * share / (1 + share)
        # of the classes among labels and predictions, only the majority is predicted
        among = classes + (not share)
        scores |= dict.fromkeys(("accuracy", "precision_micro", "recall_micro", "f1_micro"), share)
        scores |= {"balanced_accuracy": recall, "recall_macro": recall, "precision_macro": share / among}
        scores |= {"f1_macro": f1 / among, "precision_weighted": share**2, "recall_weighted": share}
        scores["f1_weighted"] = share * f1
    return {**scores, **_of_priors(outcomes, reference)} if outcomes.sum("probable") else scores


def _of_priors(outcomes: OutcomeSums, reference: OutcomeSums) -> Mapping[str, float]:
    labels, priors = _labels(outcomes), _labels(reference) / reference.labelled
    shares = labels / labels.sum()
    own = np.append(priors[:-1], 0.0)
    losses = -np.log(np.clip(own, EPSILON, 1 - EPSILON))
    distances = float(priors[:-1] @ priors[:-1]) - 2 * own + 1
    scores = {"log_loss": float(shares @ losses), "brier": float(shares @ distances), "roc_auc": HALF}
    return {metric: score for metric, score in scores.items() if math.isfinite(score)}


def _labels(profile: OutcomeSums) -> Floats:
    """Count the labels of each class, then those of all others."""
    label = profile.label
    assert isinstance(label, CategoryProfile)  # noqa: S101 - its schema says so
    known = label.known.spread(np.arange(len(classes_of(profile)), dtype=np.int32))
    return np.append(known, label.unseen_rows).astype(np.float64)
