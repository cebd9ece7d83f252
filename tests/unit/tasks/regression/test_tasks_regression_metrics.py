"""What a regression measures of hostile rows: a value, or none with the reason."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pyarrow as pa
import pytest

from airflow_mlmon.errors import SchemaMismatchError
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.engine.pinning import pin_columns
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.choices import ColumnType, Role
from airflow_mlmon.tasks.regression.description import Regression
from tests.support.labelled import random_numbers

TASK = Regression({Role.PREDICTION, Role.LOWER, Role.UPPER})
SCHEMA = TASK.pin_outcomes({}, random_numbers(2_000, 1))
ERRORS = ["mean_error", "mae", "mse", "rmse", "mape", "wmape", "rmsle", "r2", "max_error"]


def joined(
    label: Sequence[float | None],
    prediction: Sequence[float | None],
    bounds: Sequence[tuple[float | None, float | None]] | None = None,
) -> pa.Table:
    lower, upper = zip(*(bounds or [(None, None)] * len(label)), strict=True)
    return pa.table(
        {
            "prediction": pa.array(prediction, pa.float64()),
            "lower": pa.array(lower, pa.float64()),
            "upper": pa.array(upper, pa.float64()),
            "quantile": pa.nulls(len(label), pa.float64()),
            "label": pa.array(label, pa.float64()),
            "excluded": pa.array([False] * len(label)),
        }
    )


def measured(table: pa.Table, task: Regression = TASK) -> dict[str, MetricValue]:
    return {value.metric: value for value in task.measure(task.profile_outcomes(table, SCHEMA), 0.0)}


def reasons(table: pa.Table, metrics: Sequence[str]) -> set[str]:
    values = measured(table)
    assert all(values[metric].value is None for metric in metrics)
    return {values[metric].reason for metric in metrics}


def test_the_sign_of_the_mean_error_is_that_of_predicting_too_much():
    assert measured(joined([10, 20], [13, 21]))["mean_error"].value == pytest.approx(2, abs=1e-5)


def test_label_of_zero_has_no_percentage_error():
    table = joined([0, 0, 10], [0, 1, 12])

    assert reasons(table, ["mape"]) == {"rows with a label of 0, which no error is a share of: 2"}
    assert measured(table)["wmape"].value == pytest.approx(0.3, abs=1e-5)
    assert reasons(joined([0, 0], [1, 2]), ["wmape"]) == {"all labels are 0"}


@pytest.mark.parametrize("number", [5.0, 1e6 / 7])
def test_constant_label_has_no_r2(number):
    assert reasons(joined([number] * 50, [4.0] * 50), ["r2"]) == {"all 50 labels are equal"}


def test_one_row_has_errors_and_no_variance():
    values = measured(joined([10], [12], [(9, 13)]))

    assert values["mae"].value == pytest.approx(2, abs=1e-5)
    assert values["r2"].reason == "one label has no variance"
    assert all(values[metric].low is None for metric in ("mean_error", "mae", "rmse", "wmape", "residual_median"))
    assert values["interval_coverage"].value == 1


def test_number_at_or_below_minus_one_has_no_logarithm():
    table = joined([-1, 3, 4], [5, -7, 4])

    assert reasons(table, ["rmsle"]) == {"rows with a label or prediction at or below -1: 2"}
    assert measured(table)["mae"].value == pytest.approx(16 / 3, abs=1e-4)


@pytest.mark.parametrize("number", [math.inf, -math.inf, 1e300])
def test_infinite_and_absurd_residuals_are_counted_and_not_summed(number):
    for table in (joined([1, 2, 3], [1, number, 3]), joined([1, number, 3], [1, 2, 3])):
        assert reasons(table, ERRORS) == {"rows with an infinite residual: 1"}
        assert measured(table)["residual_median"].value is not None


def test_prediction_that_is_missing_or_nan_is_no_error():
    value = measured(joined([1, 2, 3], [None, math.nan, 4]))["mae"]

    assert (value.value, value.rows) == (pytest.approx(1, abs=1e-5), 1)
    assert reasons(joined([1, 2], [None, math.nan]), ERRORS) == {"no row has both a label and a prediction"}


def test_bounds_that_are_missing_or_crossed_are_said():
    assert reasons(joined([1], [1], [(0, None)]), ["interval_coverage", "interval_width"]) == {
        "no row has a label and both bounds"
    }
    crossed = joined([1, 2], [1, 2], [(0, 3), (3, 1)])
    assert reasons(crossed, ["interval_coverage", "interval_width"]) == {
        "rows with a lower bound above the upper one: 1"
    }


def test_coverage_counts_the_labels_within_both_bounds():
    value = measured(joined([1, 2, 3, 4], [1, 2, 3, 4], [(1, 2), (0, 2), (4, 5), (None, 9)]))["interval_coverage"]

    assert (value.value, value.rows) == (2 / 3, 3)
    assert value.low < 2 / 3 < value.high


def test_metrics_of_outputs_that_the_model_lacks_are_not_listed():
    plain = Regression({Role.PREDICTION})

    assert {"interval_coverage", "interval_width", "pinball_loss"}.isdisjoint(measured(joined([1], [2]), plain))
    assert "interval_width" in Regression({Role.PREDICTION, Role.LOWER}).label_metrics


def test_label_of_another_type_is_refused():
    table = joined([1, 2], [1, 2]).set_column(4, "label", pa.array(["1", "x"]))

    with pytest.raises(SchemaMismatchError, match="'label'"):
        measured(table)
    with pytest.raises(SchemaMismatchError, match="'quantile'"):
        measured(
            joined([1], [1]).set_column(3, "quantile", pa.array([[1.0]], pa.list_(pa.float64(), 1))),
            Regression(levels=(0.1, 0.9)),
        )


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_reference_without_labels_pins_the_scale_of_its_predictions(scale):
    rows = random_numbers(2_000, 1).to_pandas()[["prediction", "label"]].dropna() * scale

    table = joined(rows["label"], rows["prediction"])
    pinned = pin_columns("m", {"prediction": ColumnType.FLOAT}, table)
    outputs = {Role.PREDICTION: profile_table(table.select(["prediction"]), pinned).columns["prediction"]}
    schema = TASK.pin_outcomes(outputs, None)

    values = {value.metric: value.value for value in TASK.measure(TASK.profile_outcomes(table, schema), 0.0)}

    residual = rows["prediction"] - rows["label"]
    assert values["mse"] == pytest.approx((residual**2).mean(), rel=1e-4)
    assert values["r2"] == pytest.approx(1 - (residual**2).mean() / rows["label"].var(ddof=0), rel=1e-4)
    assert len(schema.edges) == 9
