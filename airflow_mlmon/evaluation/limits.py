"""The limits of a value: between them it is no breach, and how far one lies beyond, in one unit for all columns."""

from __future__ import annotations

import math

from scipy import special

from airflow_mlmon.evaluation.series import Series
from airflow_mlmon.records import Verdict
from airflow_mlmon.spec.evaluation import Judgement
from airflow_mlmon.spec.metrics import Measure, Worse
from airflow_mlmon.statistics.dispersion import Usual
from airflow_mlmon.tasks.registry import METRICS


def smallest_effect(policy: Judgement, metric: str, nights: int) -> float:
    """Return the smallest effect that matters: twice as large where nothing is known of how days vary."""
    floor = policy.performance_effect if METRICS[metric].is_performance else policy.effect
    return floor if nights else 2 * floor


def strength(verdict: Verdict, policy: Judgement) -> float | None:
    """Return the effect of a verdict in units of the smallest that matters; of a rule, the value in units of its limit.

    At 1 a value is as far as a breach has to be; whether it is one, its p-value decides too. None without an effect.
    """
    if verdict.effect is not None:
        floor = smallest_effect(policy, verdict.metric, verdict.history or 0)
        return abs(verdict.effect) / floor if floor else math.inf
    if verdict.value is not None and verdict.high:
        return verdict.value / verdict.high
    return None


def limits_of(series: Series, usual: Usual | None, level: float, floor: float) -> tuple[float | None, float | None]:
    """Return the values between which a number is no breach at a level; None on a side that is not bad.

    The tail of a share is exact, and no one number says where it begins: it has none.
    """
    if usual is None or series.measure is Measure.SHARE:
        return None, None
    quantile = _quantile(series, usual.freedom, level)
    width = max(quantile * math.sqrt(series.variance(usual)), floor)
    low = series.off_scale(usual.centre - width) if series.worse is not Worse.ABOVE else None
    high = series.off_scale(usual.centre + width) if series.worse is not Worse.BELOW else None
    return low, high


def _quantile(series: Series, freedom: float, level: float) -> float:
    """The z whose tail is the level."""
    if series.measure is Measure.DURATION:
        return float(freedom * (level ** (-1 / freedom) - 1) - 1)
    return -float(special.stdtrit(freedom, level / 2 if series.worse is Worse.BOTH else level))
