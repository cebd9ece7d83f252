"""Metrics that classifiers of two classes and of several share."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_mlmon.spec.metric import Measure, Metric, Worse

# the score at which a row is predicted as positive
HALF = 0.5


def quality(title: str, description: str, *, measure: Measure = Measure.AREA, worse: Worse = Worse.BELOW) -> Metric:
    """Return a metric of performance, which may be negative where its measure may."""
    lowest = None if measure in {Measure.SKILL, Measure.NUMBER} else 0.0
    return Metric(title, description, needs_labels=True, of_model=True, measure=measure, worse=worse, lowest=lowest)


def estimated(name: str, title: str) -> Metric:
    """Return the estimate of a metric of labels."""
    return Metric(
        f"estimated {title}",
        f"{title[0].upper()}{title[1:]} expected of the labels to come, by those of the reference (CBPE).",
        of_model=True,
        measure=Measure.AREA,
        worse=Worse.BELOW,
        estimates=name,
    )


SHARED: Mapping[str, Metric] = {
    "accuracy": quality("accuracy", "Share of labelled rows whose predicted class is correct.", measure=Measure.SHARE),
    "roc_auc": quality(
        "ROC AUC", "Area under the ROC curve of the score; of several classes, the mean of each against the rest."
    ),
    "log_loss": quality(
        "log loss",
        "Mean negative log-likelihood of the labels, in nats.",
        measure=Measure.LOSS,
        worse=Worse.ABOVE,
    ),
    "brier": quality(
        "Brier score",
        "Mean squared difference between score and label; of several classes, the sum over them (0 to 2).",
        measure=Measure.LOSS,
        worse=Worse.ABOVE,
    ),
    "balanced_accuracy": quality("balanced accuracy", "Mean of the recalls of the classes."),
    "ece": quality(
        "calibration error",
        "Expected calibration error: mean distance of score and share of labels in 16 bins, weighted by their rows; of "
        "several classes, the mean over them. It has no interval.",
        measure=Measure.LOSS,
        worse=Worse.ABOVE,
    ),
}
