"""Metrics of a binary classifier."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_mlmon.spec.choices import Role
from airflow_mlmon.spec.metrics import Measure, Metric, Worse

SCORE_MEAN = "score_mean"
PREDICTED_POSITIVE_RATE = "predicted_positive_rate"
POSITIVE_RATE = "positive_rate"
# the score at which a row is predicted as positive
HALF = 0.5

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
    "accuracy": Metric(
        "accuracy",
        "Share of labelled rows whose predicted class is correct.",
        needs_labels=True,
        of_model=True,
        measure=Measure.SHARE,
        worse=Worse.BELOW,
    ),
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
    "roc_auc": Metric(
        "ROC AUC",
        "Area under the ROC curve of the score.",
        needs_labels=True,
        of_model=True,
        measure=Measure.AREA,
        worse=Worse.BELOW,
    ),
    "log_loss": Metric(
        "log loss",
        "Mean negative log-likelihood of the labels, in nats.",
        needs_labels=True,
        of_model=True,
        measure=Measure.LOSS,
        worse=Worse.ABOVE,
    ),
    "brier": Metric(
        "Brier score",
        "Mean squared difference between score and label.",
        needs_labels=True,
        of_model=True,
        measure=Measure.LOSS,
        worse=Worse.ABOVE,
    ),
    **{
        f"estimated_{name}": Metric(
            f"estimated {title}",
            f"{title[0].upper()}{title[1:]} expected of the labels to come, by those of the reference (CBPE).",
            of_model=True,
            measure=Measure.AREA,
            worse=Worse.BELOW,
            estimates=name,
        )
        for name, title in _ESTIMATED.items()
    },
}
