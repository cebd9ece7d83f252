"""Limits of values, and distances beyond them in one unit for all columns."""

from __future__ import annotations

import math

from scipy import special

from airflow_mlmon.evaluation.series import Series
from airflow_mlmon.records import Verdict
from airflow_mlmon.spec.evaluation import EvaluationPolicy
from airflow_mlmon.spec.metric import Measure, Worse
from airflow_mlmon.statistics.dispersion import Expectation
from airflow_mlmon.tasks.registry import METRICS


def smallest_effect(policy: EvaluationPolicy, metric: str, days: int) -> float:
    """Return the smallest effect size that counts; doubled if the variation from day to day is unknown."""
    known = METRICS[metric]
    if known.smallest is not None:
        return known.smallest
    floor = policy.performance_effect if known.is_performance else policy.effect
    return floor if days else 2 * floor


def strength(verdict: Verdict, policy: EvaluationPolicy) -> float | None:
    """Return the effect size of a verdict in units of the smallest that counts; for a rule, the value by its limit.

    A breach needs at least 1, and a significant p-value. None without an effect size.
    """
    if verdict.effect is not None:
        floor = smallest_effect(policy, verdict.metric, verdict.history or 0)
        return abs(verdict.effect) / floor if floor else math.inf
    if verdict.value is not None and verdict.high:
        return verdict.value / verdict.high
    return None


def limits_of(
    series: Series, expected: Expectation | None, level: float, floor: float
) -> tuple[float | None, float | None]:
    """Return the values between which a number is no breach at a level; None on a side that is not bad.

    The tail of a share is exact and has no closed limit: None.
    """
    if expected is None or series.measure is Measure.SHARE:
        return None, None
    quantile = _quantile(series, expected.freedom, level)
    width = max(quantile * math.sqrt(series.variance(expected)), floor)
    low = series.off_scale(expected.centre - width) if series.worse is not Worse.ABOVE else None
    high = series.off_scale(expected.centre + width) if series.worse is not Worse.BELOW else None
    return low, high


def _quantile(series: Series, freedom: float, level: float) -> float:
    """Return the z of a tail probability."""
    if series.measure is Measure.DURATION:
        return float(freedom * (level ** (-1 / freedom) - 1) - 1)
    return -float(special.stdtrit(freedom, level / 2 if series.worse is Worse.BOTH else level))
