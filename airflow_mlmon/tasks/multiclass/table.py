"""Metrics of a classifier of several classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from airflow_mlmon.spec.metric import Measure, Metric
from airflow_mlmon.tasks.classification import SHARED, estimated, quality

PREDICTED_MAJORITY_RATE = "predicted_majority_rate"
MAJORITY_RATE = "majority_rate"
# probabilities of a row add up to 1 within this
TOLERANCE = 1e-3
AVERAGES = {
    "macro": "mean over the classes",
    "micro": "of all rows together, which is the accuracy",
    "weighted": "mean over the classes, weighted by their labels",
}
_AVERAGED = {
    "precision": "Share of the rows predicted as a class that are labelled so",
    "recall": "Share of the labels of a class that are predicted",
    "f1": "Harmonic mean of a class's precision and recall",
}


def _averages() -> Iterator[tuple[str, Metric]]:
    for name, description in _AVERAGED.items():
        for average, words in AVERAGES.items():
            title = f"{average} {'F1' if name == 'f1' else name}"
            yield f"{name}_{average}", quality(title, f"{description}; {words}.")


METRICS: Mapping[str, Metric] = {
    PREDICTED_MAJORITY_RATE: Metric(
        "majority predicted",
        "Share of rows predicted as the class that the reference predicts most.",
        is_share=True,
        of_model=True,
        measure=Measure.SHARE,
    ),
    MAJORITY_RATE: Metric(
        "majority labelled",
        "Share of the labels that are of the reference's most frequent class.",
        is_share=True,
        needs_labels=True,
        measure=Measure.SHARE,
    ),
    "accuracy": SHARED["accuracy"],
    "balanced_accuracy": SHARED["balanced_accuracy"],
    **dict(_averages()),
    "top_k_accuracy": quality(
        "top-k accuracy",
        "Share of labelled rows whose label is among the k most probable classes; k is 2, or the key `cutoff`.",
        measure=Measure.SHARE,
    ),
    "roc_auc": SHARED["roc_auc"],
    "log_loss": SHARED["log_loss"],
    "brier": SHARED["brier"],
    "ece": SHARED["ece"],
    "estimated_accuracy": estimated("accuracy", "accuracy"),
    "estimated_f1_macro": estimated("f1_macro", "macro F1"),
    "estimated_roc_auc": estimated("roc_auc", "ROC AUC"),
}
