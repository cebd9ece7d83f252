"""Scores of constant predictions of a regression, beside which its own are read."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from airflow_mlmon.tasks.regression import residuals
from airflow_mlmon.tasks.regression.metrics import column_of, variance_of_labels
from airflow_mlmon.tasks.sums import OutcomeSums


def score_central_labels(outcomes: OutcomeSums, reference: OutcomeSums) -> Mapping[str, float]:
    """Score the best constant prediction of the reference on the labels of `outcomes`, by metric.

    Squared errors, R² and the mean error are those of the mean of the reference's labels; absolute errors those of
    their median, from the cells of the labels.
    """
    label, known = column_of(outcomes, residuals.LABEL), column_of(reference, residuals.LABEL)
    if label is None or known is None or label.mean is None or known.mean is None or label.infinities:
        return {}
    median = known.quantile(0.5)
    assert median is not None  # noqa: S101 - there is a mean
    variance, bias = variance_of_labels(outcomes), known.mean - label.mean
    squared = (label.std or 0.0) ** 2 + bias**2
    points = label.distribution.points
    values = points.keys + label.schema.centre
    distances = np.abs(values - median)
    absolute, size = float(points.counts @ distances), float(points.counts @ np.abs(values))
    scores = {
        "mean_error": bias,
        "mae": absolute / points.rows,
        "mse": squared,
        "rmse": math.sqrt(squared),
    }
    if size:
        scores["wmape"] = absolute / size
    if variance:
        scores["r2"] = 1 - squared / variance
    if (values != 0).all():
        scores["mape"] = float(points.counts @ (distances / np.abs(values))) / points.rows
    if (values > -1).all() and known.mean > -1:
        logarithms = (np.log1p(values) - math.log1p(known.mean)) ** 2
        scores["rmsle"] = math.sqrt(float(points.counts @ logarithms) / points.rows)
    return scores
