"""Metrics of a regression, whose residual is the prediction minus the label."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_mlmon.spec.choices import Role
from airflow_mlmon.spec.metric import Measure, Metric, Worse

PREDICTION_MEAN = "prediction_mean"
LABEL_MEAN = "label_mean"
MEAN_ERROR = "mean_error"
INTERVAL_COVERAGE = "interval_coverage"
INTERVAL_WIDTH = "interval_width"
PINBALL_LOSS = "pinball_loss"
# shares of the residuals below each of its quantiles
QUANTILES: Mapping[str, float] = {"residual_p05": 0.05, "residual_median": 0.5, "residual_p95": 0.95}


def _loss(title: str, description: str) -> Metric:
    return Metric(title, description, needs_labels=True, of_model=True, measure=Measure.LOSS, worse=Worse.ABOVE)


def _quantile(title: str, description: str) -> Metric:
    return Metric(title, description, needs_labels=True, of_model=True, lowest=None)


METRICS: Mapping[str, Metric] = {
    PREDICTION_MEAN: Metric(
        "mean prediction",
        "Mean of the prediction.",
        of_model=True,
        measure=Measure.MEAN,
        lowest=None,
        role=Role.PREDICTION,
    ),
    LABEL_MEAN: Metric(
        "mean label", "Mean of the labels received.", needs_labels=True, measure=Measure.MEAN, lowest=None
    ),
    MEAN_ERROR: Metric(
        "mean error",
        "Mean of prediction minus label (bias); above 0, the model predicts too much.",
        needs_labels=True,
        of_model=True,
        measure=Measure.MEAN,
        lowest=None,
    ),
    "mae": _loss("MAE", "Mean absolute error."),
    "mse": _loss("MSE", "Mean squared error."),
    "rmse": _loss("RMSE", "Square root of the mean squared error."),
    "mape": _loss("MAPE", "Mean of the absolute error divided by the label's magnitude; none if a label is 0."),
    "wmape": _loss("WMAPE", "Sum of the absolute errors divided by the sum of the labels' magnitudes."),
    "rmsle": _loss(
        "RMSLE", "Root mean squared difference of log (1 + prediction) and log (1 + label); none at or below -1."
    ),
    "r2": Metric(
        "R²",
        "Share of the variance of the labels that the predictions explain; below 0, a constant is better.",
        needs_labels=True,
        of_model=True,
        measure=Measure.SKILL,
        worse=Worse.BELOW,
        lowest=None,
    ),
    "residual_p05": _quantile("5 % quantile of the residual", "Value that 5 % of the residuals do not exceed."),
    "residual_median": _quantile("median residual", "Value that half of the residuals do not exceed."),
    "residual_p95": _quantile("95 % quantile of the residual", "Value that 95 % of the residuals do not exceed."),
    "max_error": Metric("largest error", "Largest absolute error.", needs_labels=True, of_model=True),
    INTERVAL_COVERAGE: Metric(
        "interval coverage",
        "Share of the labels within the archived lower and upper bounds.",
        is_share=True,
        needs_labels=True,
        of_model=True,
        measure=Measure.SHARE,
        worse=Worse.BELOW,
    ),
    INTERVAL_WIDTH: _loss("interval width", "Mean distance of the archived lower and upper bounds."),
    PINBALL_LOSS: _loss("pinball loss", "Mean pinball loss of the archived quantiles."),
    "estimated_mae": Metric(
        "estimated MAE",
        "Mean absolute error expected of the labels to come, by features and outputs (direct loss estimation).",
        of_model=True,
        measure=Measure.LOSS,
        worse=Worse.ABOVE,
        estimates="mae",
    ),
}
