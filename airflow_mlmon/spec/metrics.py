"""The metrics that a night is described by: the names used in specs, the store and on pages."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Measure(StrEnum):
    """What kind of number a metric is, which says how it varies from night to night by chance."""

    COUNT = "count"
    SHARE = "share"
    MEAN = "mean"
    # an area, or a ratio between 0 and 1 whose rows are not counted
    AREA = "area"
    LOSS = "loss"
    # hours of waiting
    DURATION = "duration"


class Worse(StrEnum):
    """On which side of the usual a metric is bad."""

    BELOW = "below"
    ABOVE = "above"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Metric:
    """What a metric is, and where it comes from.

    The values of one that `is_count` are whole numbers. One `of_model` changes with the model version that
    served, whatever the data did. One with a `measure` is judged by what is usual, on the side that is `worse`.
    """

    title: str
    description: str
    by_column: bool = False
    is_share: bool = False
    is_count: bool = False
    needs_labels: bool = False
    of_model: bool = False
    measure: Measure | None = None
    worse: Worse = Worse.BOTH


ROWS = "rows"
NULL_SHARE = "null_share"
UNSEEN_SHARE = "unseen_share"
SCORE_MEAN = "score_mean"
PREDICTED_POSITIVE_SHARE = "predicted_positive_share"
DRIFT = "drift_score"
LABEL_SHARE = "label_share"
POSITIVE_SHARE = "positive_share"
# what has verdicts or alerts and is no metric: how a night went, and a check by its name
STATUS = "status"
CHECK_PREFIX = "check."

METRICS: dict[str, Metric] = {
    ROWS: Metric("rows", "Rows of the curated partition.", is_count=True, measure=Measure.COUNT, worse=Worse.BELOW),
    "rows_quarantined": Metric(
        "rows quarantined", "Rows that were listed but not taken, each with a reason.", is_count=True
    ),
    "quarantined_share": Metric(
        "quarantined share",
        "Rows quarantined, of the rows listed.",
        is_share=True,
        measure=Measure.SHARE,
        worse=Worse.ABOVE,
    ),
    "delay_hours": Metric(
        "delay in hours",
        "Hours from the end of the day until the newest of its files came; 0 where all came before.",
        measure=Measure.DURATION,
        worse=Worse.ABOVE,
    ),
    NULL_SHARE: Metric(
        "null share",
        "Share of empty values, of all features together and of each column.",
        by_column=True,
        is_share=True,
        measure=Measure.SHARE,
        worse=Worse.ABOVE,
    ),
    UNSEEN_SHARE: Metric(
        "unseen share",
        "Share of values that the reference does not have.",
        by_column=True,
        is_share=True,
        measure=Measure.SHARE,
        worse=Worse.ABOVE,
    ),
    SCORE_MEAN: Metric("mean score", "Mean of the score.", of_model=True, measure=Measure.MEAN),
    PREDICTED_POSITIVE_SHARE: Metric(
        "predicted positive share",
        "Share of rows that the model predicts to be positive.",
        is_share=True,
        of_model=True,
        measure=Measure.SHARE,
    ),
    DRIFT: Metric("drift score", "Distance of a column from the reference.", by_column=True),
    "drifted_columns": Metric(
        "drifted columns", "Columns beyond the limit that the reference's own nights give.", is_count=True
    ),
    "drifted_share": Metric(
        "share of drifted columns",
        "Drifted columns, of those that could be judged; one without enough rows or a limit is not counted.",
        is_share=True,
    ),
    "multivariate_drift": Metric(
        "multivariate drift",
        "ROC AUC of a classifier that tells the night's features from the reference's: 0.5 is chance. "
        "With `drift.multivariate`.",
        measure=Measure.AREA,
        worse=Worse.ABOVE,
    ),
    LABEL_SHARE: Metric(
        "share of labels",
        "Labels that have come, of those that are to come (void outcomes are not).",
        is_share=True,
        needs_labels=True,
    ),
    POSITIVE_SHARE: Metric(
        "positive share",
        "Share of positive labels among the labels.",
        is_share=True,
        needs_labels=True,
        measure=Measure.SHARE,
    ),
    "void_share": Metric(
        "void share",
        "Share of the rows of known outcome that never get a label.",
        is_share=True,
        needs_labels=True,
        measure=Measure.SHARE,
        worse=Worse.ABOVE,
    ),
    "accuracy": Metric(
        "accuracy",
        "Share of labelled rows whose predicted class is right.",
        needs_labels=True,
        of_model=True,
        measure=Measure.SHARE,
        worse=Worse.BELOW,
    ),
    "precision": Metric(
        "precision",
        "Share of predicted positives that are positive.",
        needs_labels=True,
        of_model=True,
        measure=Measure.AREA,
        worse=Worse.BELOW,
    ),
    "recall": Metric(
        "recall",
        "Share of positives that were predicted.",
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
        "Mean negative log likelihood of the labels, in nats.",
        needs_labels=True,
        of_model=True,
        measure=Measure.LOSS,
        worse=Worse.ABOVE,
    ),
    "brier": Metric(
        "Brier score",
        "Mean squared distance between score and label.",
        needs_labels=True,
        of_model=True,
        measure=Measure.LOSS,
        worse=Worse.ABOVE,
    ),
}
