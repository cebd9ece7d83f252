"""Metrics of a binary classifier."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_mlmon.spec.choices import Role
from airflow_mlmon.spec.metrics import Measure, Metric, Worse
from airflow_mlmon.tasks.classification import SHARED, estimated

SCORE_MEAN = "score_mean"
PREDICTED_POSITIVE_RATE = "predicted_positive_rate"
POSITIVE_RATE = "positive_rate"

_ESTIMATED = {"accuracy": "accuracy", "precision": "precision", "recall": "recall", "f1": "F1", "roc_auc": "ROC AUC"}

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
    "precision": Metric(
        "precision",
        "Share of predicted positives that are labelled positive.",
        needs_labels=True,
        of_model=True,
        measure=Measure.AREA,
        worse=Worse.BELOW,
    ),
    "recall": Metric(
        "recall",
        "Share of labelled positives that are predicted positive.",
        needs_labels=True,
        of_model=True,
        measure=Measure.AREA,
        worse=Worse.BELOW,
    ),
    "f1": Metric(
        "F1",
        "Harmonic mean of precision and recall.",
        needs_labels=True,
        of_model=True,
        measure=Measure.AREA,
        worse=Worse.BELOW,
    ),
    "roc_auc": SHARED["roc_auc"],
    "log_loss": SHARED["log_loss"],
    "brier": SHARED["brier"],
    **{f"estimated_{name}": estimated(name, title) for name, title in _ESTIMATED.items()},
}
