"""Performance of a regression against scikit-learn on the same rows, and its intervals against many samples."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import ttest_ind
from sklearn import metrics as sk

from airflow_mlmon.records import MetricValue
from airflow_mlmon.tasks.regression.description import Regression
from airflow_mlmon.tasks.sums import OutcomeSums
from tests.support.labelled import random_numbers

LEVELS = (0.1, 0.5, 0.9)
TASK = Regression(levels=LEVELS)
# quanta are 2**-22 of the spread of each column
EXACT = 1e-6
SAMPLES = 300


def labelled_of(table: pa.Table) -> dict[str, np.ndarray]:
    """The rows with both a label and a prediction."""
    frame = table.to_pandas()
    frame = frame[~frame["excluded"] & frame["label"].notna() & frame["prediction"].notna()]
    return {name: np.stack(frame[name].to_numpy()) for name in frame}


SCHEMA = TASK.pin_outcomes({}, random_numbers(3_000, 99))


def profiled(seed: int) -> OutcomeSums:
    return TASK.profile_outcomes(random_numbers(500, seed), SCHEMA)


def measured(table: pa.Table) -> dict[str, MetricValue]:
    outcomes = TASK.profile_outcomes(table, SCHEMA)
    return {value.metric: value for value in TASK.measure(outcomes, 0.5)}


ORACLES = {
    "mean_error": lambda y, p: float(np.mean(p - y)),
    "mae": sk.mean_absolute_error,
    "mse": sk.mean_squared_error,
    "rmse": sk.root_mean_squared_error,
    "mape": sk.mean_absolute_percentage_error,
    "wmape": lambda y, p: float(np.abs(p - y).sum() / np.abs(y).sum()),
    "rmsle": sk.root_mean_squared_log_error,
    "r2": sk.r2_score,
    "max_error": sk.max_error,
}


@pytest.mark.parametrize("metric", ORACLES)
@pytest.mark.parametrize("rows", [40, 5_000])
def test_metric_is_that_of_sklearn(metric, rows):
    table = random_numbers(rows, seed=3)
    held = labelled_of(table)

    value = measured(table)[metric]

    assert value.value == pytest.approx(ORACLES[metric](held["label"], held["prediction"]), rel=EXACT)
    assert value.rows == len(held["label"])


def test_pinball_loss_is_the_mean_of_the_levels():
    table = random_numbers(5_000, seed=3)
    frame = table.to_pandas()
    frame = frame[~frame["excluded"] & frame["label"].notna()]
    quantiles = np.stack(frame["quantile"].to_numpy())
    losses = [
        sk.mean_pinball_loss(frame["label"], quantiles[:, place], alpha=level) for place, level in enumerate(LEVELS)
    ]

    assert measured(table)["pinball_loss"].value == pytest.approx(np.mean(losses), rel=EXACT)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("rows", [400, 20_000])
def test_quantile_of_the_residual_is_within_its_bound(share, rows):
    table = random_numbers(rows, seed=5)
    held = labelled_of(table)
    exact = float(np.quantile(held["prediction"] - held["label"], share, method="inverted_cdf"))

    value = measured(table)["residual_median" if share == 0.5 else f"residual_p{round(100 * share):02}"]

    assert abs(value.value - exact) <= value.error_bound + 1e-9
    assert value.error_bound <= 0.01 * abs(exact) + 0.1
    assert (value.error_bound == 0) is (rows == 400)


@pytest.fixture(scope="module")
def samples() -> list[dict[str, MetricValue]]:
    return [measured(random_numbers(500, seed=1_000 + seed)) for seed in range(SAMPLES)]


@pytest.fixture(scope="module")
def truth() -> dict[str, MetricValue]:
    return measured(random_numbers(400_000, seed=7))


@pytest.mark.parametrize(
    "metric",
    [
        "label_mean",
        "mean_error",
        "mae",
        "mse",
        "rmse",
        "mape",
        "wmape",
        "rmsle",
        "r2",
        "residual_median",
        "pinball_loss",
    ],
)
def test_interval_holds_the_truth_as_often_as_it_says(samples, truth, metric):
    values = [found[metric] for found in samples]

    share = sum(value.low <= truth[metric].value <= value.high for value in values) / SAMPLES

    # three standard errors of 95 %, and 2 % for laws of large numbers at 500 rows
    assert abs(share - 0.95) <= 0.02 + 3 * math.sqrt(0.95 * 0.05 / SAMPLES)


def test_p_value_of_a_mean_is_that_of_welch():
    sides = [random_numbers(2_000, seed) for seed in (1, 2)]
    residuals = [held["prediction"] - held["label"] for held in map(labelled_of, sides)]
    rows, others = (TASK.profile_outcomes(side, SCHEMA) for side in sides)

    found = TASK.contrast("mean_error", rows, others, min_coverage=0.5, minimum_rows=30)

    assert found.p_value == pytest.approx(ttest_ind(*residuals, equal_var=False).pvalue, rel=1e-4)


def test_interval_of_a_difference_holds_none_as_often_as_it_says():
    pairs = [TASK.compare(profiled(seed), profiled(10_000 + seed), 0.5) for seed in range(SAMPLES)]
    found = {
        metric: [row for pair in pairs for row in pair if row.metric == metric]
        for metric in ("mae", "rmse", "wmape", "r2")
    }

    shares = {metric: sum(row.low <= 0 <= row.high for row in rows) / SAMPLES for metric, rows in found.items()}

    assert shares == pytest.approx(dict.fromkeys(found, 0.95), abs=0.02 + 3 * math.sqrt(0.95 * 0.05 / SAMPLES))
