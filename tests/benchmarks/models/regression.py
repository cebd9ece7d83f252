"""Figures of regressions: errors against scikit-learn, false alarms, and faults that are found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial

import numpy as np
import pyarrow as pa
from sklearn import metrics as sk

from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.choices import Role
from airflow_mlmon.tasks.regression.description import Regression
from tests.benchmarks.measured import Measured
from tests.benchmarks.models import days
from tests.benchmarks.models.days import Draw
from tests.support.labelled import random_numbers

LEVELS = (0.1, 0.5, 0.9)
TASK = Regression(levels=LEVELS)
_PLAIN = Regression({Role.PREDICTION})
_ROWS = 200_000
_SD = 10.0
_DAILY = 0.1
# standard deviation of the absolute value of a standard normal number, and its mean
_SD_OF_ABSOLUTE, _MEAN_OF_ABSOLUTE = 0.602810, 0.797885

Floats = np.ndarray
_ORACLES: Mapping[str, Callable[[Floats, Floats], float]] = {
    "mean_error": lambda y, p: float(np.mean(p - y)),
    "mae": sk.mean_absolute_error,
    "mse": sk.mean_squared_error,
    "rmse": sk.root_mean_squared_error,
    "mape": sk.mean_absolute_percentage_error,
    "wmape": lambda y, p: float(np.abs(p - y).sum() / np.abs(y).sum()),
    "rmsle": sk.root_mean_squared_log_error,
    "r2": sk.r2_score,
    "max_error": sk.max_error,
    "residual_p05": lambda y, p: float(np.quantile(p - y, 0.05, method="inverted_cdf")),
    "residual_median": lambda y, p: float(np.quantile(p - y, 0.5, method="inverted_cdf")),
    "residual_p95": lambda y, p: float(np.quantile(p - y, 0.95, method="inverted_cdf")),
}
ERRORS = (*_ORACLES, "interval_coverage", "interval_width", "pinball_loss")


def error(metric: str) -> Measured:
    """The distance from the exact value, as a share of it; of a quantile, of the residual's standard deviation."""
    values, exact, spread = _compared()
    unit = spread if metric.startswith("residual") else abs(exact[metric])
    found = abs(float(values[metric].value or 0.0) - exact[metric]) / unit
    bound = values[metric].error_bound
    note = f"of {_ROWS:,} rows" + (f"; at most {bound / unit:.1g}, as is said" if bound else "")
    return Measured(figure=found, note=note)


@cache
def _compared() -> tuple[dict[str, MetricValue], dict[str, float], float]:
    """What is measured of rows, their exact values, and the standard deviation of the residual."""
    table = random_numbers(_ROWS, 5)
    outcomes = TASK.profile_outcomes(table, TASK.pin_outcomes({}, random_numbers(3_000, 99)))
    frame = table.to_pandas()
    frame = frame[~frame["excluded"]].dropna(subset=["label"])
    bounded, held = frame.dropna(subset=["upper"]), frame.dropna(subset=["prediction"])
    label, prediction = held["label"].to_numpy(), held["prediction"].to_numpy()
    quantiles = np.stack(frame["quantile"].to_numpy())
    losses = [sk.mean_pinball_loss(frame["label"], quantiles[:, at], alpha=level) for at, level in enumerate(LEVELS)]
    exact = {name: float(oracle(label, prediction)) for name, oracle in _ORACLES.items()} | {
        "interval_coverage": float(bounded["label"].between(bounded["lower"], bounded["upper"]).mean()),
        "interval_width": float((bounded["upper"] - bounded["lower"]).mean()),
        "pinball_loss": float(np.mean(losses)),
    }
    values = {value.metric: value for value in TASK.measure(outcomes, 0.5)}
    return values, exact, float((prediction - label).std())


def null_alarm() -> Measured:
    """Healthy days."""
    return days.null_alarm(_PLAIN, _drawn())


def null_alarm_daily() -> Measured:
    """Healthy days of which the means of label and residual vary by 0.1 standard deviations."""
    return days.null_alarm(_PLAIN, _drawn(daily=_DAILY))


def power() -> Measured:
    """Days with larger errors, and with a bias."""
    by_half = 1 + 0.5 * _SD_OF_ABSOLUTE / _MEAN_OF_ABSOLUTE
    return days.power(
        _PLAIN,
        _drawn(),
        {
            "loss of 0.5 sd": _drawn(widened=by_half),
            "loss of 10 %": _drawn(widened=1.1),
            "bias of 0.2 sd": _drawn(bias=0.2 * _SD),
        },
    )


def _drawn(*, bias: float = 0.0, widened: float = 1.0, daily: float = 0.0) -> Draw:
    return partial(_draw, bias=bias, widened=widened, daily=daily)


def _draw(random: np.random.Generator, rows: int, *, bias: float, widened: float, daily: float) -> pa.Table:
    """Draw labels of twice the spread of their residuals, which have heavier tails than normal ones."""
    explained = 100 + 2 * _SD * (random.normal(size=rows) + daily * random.normal())
    noise = _SD * (random.standard_t(8, rows) / np.sqrt(8 / 6) + daily * random.normal())
    return pa.table(
        {
            "prediction": explained + bias,
            "lower": pa.nulls(rows, pa.float64()),
            "upper": pa.nulls(rows, pa.float64()),
            "quantile": pa.nulls(rows, pa.float64()),
            "label": explained + widened * noise,
            "excluded": np.zeros(rows, dtype=bool),
        }
    )
