"""Metrics of a binary classifier."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from airflow_mlmon.spec.choices import Role
from airflow_mlmon.spec.metric import Measure, Metric, Worse
from airflow_mlmon.tasks.classification import SHARED, estimated, quality

SCORE_MEAN = "score_mean"
PREDICTED_POSITIVE_RATE = "predicted_positive_rate"
POSITIVE_RATE = "positive_rate"
BUSINESS_VALUE = "business_value"
# the rows with the highest scores, by the end of the names of their metrics
TOPS = {"top_5": 0.05, "top_10": 0.1}

_ESTIMATED = {"accuracy": "accuracy", "precision": "precision", "recall": "recall", "f1": "F1", "roc_auc": "ROC AUC"}


def _tops() -> Iterator[tuple[str, Metric]]:
    for name, share in TOPS.items():
        top = f"the {share:.0%} of labelled rows with the highest scores"
        yield (
            f"positive_rate_{name}",
            quality(f"positive rate, top {share:.0%}", f"Share of positive labels in {top}."),
        )
        lift = f"Positive rate of {top}, divided by that of all."
        yield f"lift_{name}", quality(f"lift, top {share:.0%}", lift, measure=Measure.LOSS)


METRICS: Mapping[str, Metric] = {
    SCORE_MEAN: Metric(
        "mean score", "Mean of the score.", of_model=True, measure=Measure.MEAN, lowest=None, role=Role.SCORE
    ),
    PREDICTED_POSITIVE_RATE: Metric(
        "predicted positive rate",
        "Share of rows that the model predicts as positive.",
        is_share=True,
        of_model=True,
        measure=Measure.SHARE,
    ),
    POSITIVE_RATE: Metric(
        "positive rate",
        "Share of positive labels among the labels received.",
        is_share=True,
        needs_labels=True,
        measure=Measure.SHARE,
    ),
    "accuracy": SHARED["accuracy"],
    "precision": quality("precision", "Share of predicted positives that are labelled positive."),
    "recall": quality("recall", "Share of labelled positives that are predicted positive."),
    "f1": quality("F1", "Harmonic mean of precision and recall."),
    "roc_auc": SHARED["roc_auc"],
    "log_loss": SHARED["log_loss"],
    "brier": SHARED["brier"],
    "balanced_accuracy": SHARED["balanced_accuracy"],
    "specificity": quality("specificity", "Share of labelled negatives that are predicted negative."),
    "fpr": quality(
        "FPR", "Share of labelled negatives that are predicted positive (false positive rate).", worse=Worse.ABOVE
    ),
    "fnr": quality(
        "FNR", "Share of labelled positives that are predicted negative (false negative rate).", worse=Worse.ABOVE
    ),
    "matthews": quality(
        "Matthews correlation", "Correlation of labels and predicted classes, from -1 to 1.", measure=Measure.SKILL
    ),
    BUSINESS_VALUE: quality(
        "business value",
        "Mean worth of a labelled row by its cell of the confusion matrix, as the key `value` says.",
        measure=Measure.NUMBER,
    ),
    "gini": quality("Gini", "Twice the ROC AUC, minus 1.", measure=Measure.SKILL),
    "average_precision": quality(
        "average precision", "Mean precision over the thresholds of the score, weighted by the gain of recall."
    ),
    "ks": quality(
        "KS", "Kolmogorov-Smirnov statistic: largest distance of the classes' distribution functions of the score."
    ),
    **dict(_tops()),
    "ece": SHARED["ece"],
    **{f"estimated_{name}": estimated(name, title) for name, title in _ESTIMATED.items()},
}
