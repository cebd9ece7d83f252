"""Tests of the shape of a column's values, each against past days, or without them against the baseline.

mean       of s(x), see `evaluation.shape`, in standard deviations of the baseline
spread     ln ratio of the standard deviation of s(x); sampling variance (k - 1) / 4n with the kurtosis k
distinct   ln ratio of the distinct values to those that as many rows of the baseline have
peak       share of the value that has gained most, by past days and by Fisher's exact test times the places
trough     the same of the value that has lost most
extremes   largest and smallest s(x); exceedances of the largest of past days follow an exponential law whose
scale is estimated from as many days (Lomax 1954), without past days the law of the baseline's tail
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import date

import numpy as np

from airflow_mlmon.evaluation.evidence import ColumnEvidence
from airflow_mlmon.evaluation.series import Finding, Point, Series
from airflow_mlmon.evaluation.shape import Peak, Tail, log_spread
from airflow_mlmon.spec.metric import Measure, Worse
from airflow_mlmon.statistics.hypergeometric import log_lower_tail, log_upper_tail

_MEAN = "mean"
_SPREAD = "spread"
_DISTINCT = "distinct"
_PEAK = "peak"
_TROUGH = "trough"
_OF_ONE_VALUE = frozenset({_PEAK, _TROUGH})
_FEWEST_FOR_LAW = 7
_MANY_TIMES = 10
# rows from which the spread of two samples is compared without past days
_FEWEST_FOR_SPREAD = 100
# on the scale s: standard deviation of the extremes of past days, at the least
_STEADIEST = 0.05
_Past = Sequence[tuple[date, ColumnEvidence]]


def shape_series(
    day: date, now: ColumnEvidence, past: _Past, *, season: str, outliers: Collection[date]
) -> dict[str, Series]:
    """Return the numbers of the shape, by kind of test, each with its past."""
    found = {}
    for kind in (_MEAN, _SPREAD, _DISTINCT, _PEAK, _TROUGH):
        point = _point(kind, now, now)
        if point is not None:
            found[kind] = Series(
                measure=Measure.SHARE if kind in _OF_ONE_VALUE else Measure.MEAN,
                worse=Worse.ABOVE if kind in _OF_ONE_VALUE else Worse.BOTH,
                day=day,
                now=point,
                past=[(at, known) for at, one in past if (known := _point(kind, one, now)) is not None],
                base=_base(kind, now),
                scale=_scale(kind, now),
                season=season,
                outliers=outliers,
            )
    return found


def _point(kind: str, evidence: ColumnEvidence, now: ColumnEvidence) -> Point | None:
    """Return the number of a day with the rows that its sampling variance follows from."""
    shape, base = evidence.shape, now.base_moments
    if kind == _DISTINCT:
        found = shape.distinct
        return Point(value=found.log_ratio, rows=max(round(1 / found.variance), 1)) if found else None
    if kind in _OF_ONE_VALUE:
        peak = _peak_of(kind, evidence)
        return Point(value=peak.excess, rows=evidence.rows) if peak else None
    if shape.moments is None or base is None or not base.deviation:
        return None
    value = shape.moments.mean if kind == _MEAN else log_spread(shape.moments, base)
    return Point(value=value, rows=evidence.rows)


def _peak_of(kind: str, evidence: ColumnEvidence) -> Peak | None:
    return {_PEAK: evidence.shape.peak, _TROUGH: evidence.shape.trough}.get(kind)


def _base(kind: str, now: ColumnEvidence) -> Point | None:
    """Return the number of the baseline; None if it says nothing without past days."""
    if kind == _MEAN and now.base_moments:
        return Point(value=now.base_moments.mean, rows=now.base_rows)
    if kind == _SPREAD and min(now.rows, now.base_rows) >= _FEWEST_FOR_SPREAD:
        return Point(value=0.0, rows=now.base_rows)
    # few rows say little of the rare values of others
    if kind == _DISTINCT and now.shape.distinct and now.base_rows >= _MANY_TIMES * now.rows:
        return Point(value=0.0, rows=max(round(now.base_rows / now.rows / now.shape.distinct.variance), 1))
    return None


def _scale(kind: str, now: ColumnEvidence) -> float:
    """Return the standard deviation of single values of a kind; the larger of both sides, as each is estimated."""
    base, own = now.base_moments, now.shape.moments
    if base is None or own is None or kind not in {_MEAN, _SPREAD}:
        return 1.0
    if kind == _MEAN:
        return max(base.deviation, own.deviation)
    return math.sqrt((max(base.kurtosis, own.kurtosis) - 1) / 4)


def in_words(kind: str, now: ColumnEvidence, finding: Finding) -> Finding:
    """Return the finding with its effect size in the units of its kind, and in words."""
    found = replace(finding, expected=None)
    if kind == _SPREAD:
        effect = finding.effect * _scale(kind, now)
        words = f"values vary {'more' if effect > 0 else 'less'} than expected, by a factor of {math.exp(effect):.2g}"
        return replace(found, effect=effect, words=words)
    if kind == _DISTINCT:
        words = f"{'more' if finding.effect > 0 else 'fewer'} distinct values than expected"
    elif (peak := _peak_of(kind, now)) is not None:
        before = f", {100 * peak.base_rows / now.base_rows:.2g} % in the baseline" if kind == _TROUGH else ""
        words = f"{100 * peak.rows / now.rows:.2g} % of the values are {_value_words(peak, now)}{before}"
    else:
        words = f"values {'higher' if finding.effect > 0 else 'lower'} than expected"
    return replace(found, words=words)


def _value_words(peak: Peak, now: ColumnEvidence) -> str:
    if now.place is None:
        return peak.value or "one beyond the vocabulary"
    return f"{peak.at + now.centre:.6g}"


def evaluate_ends(now: ColumnEvidence, past: _Past, outliers: Collection[date]) -> Iterator[Finding]:
    """Test the largest and the smallest value; nothing for a column without moments."""
    if now.shape.moments is None or now.base_tails is None:
        return
    for sign, tail in zip((-1, 1), now.base_tails, strict=True):
        largest = _extreme(now, sign)
        days = [_extreme(one, sign) for day, one in past if day not in outliers and one.shape.moments]
        is_known = len(days) >= _FEWEST_FOR_LAW
        expected = float(np.mean(days)) if is_known else max([*days, tail.start])
        yield Finding(
            p_value=_beyond_days(largest, days) if is_known else _beyond_tail(largest, now.rows, tail),
            effect=sign * max(largest - expected, 0.0),
            expected=None,
            days=len(days) if is_known else 0,
            words=f"{'largest' if sign > 0 else 'smallest'} value far {'above' if sign > 0 else 'below'} those of "
            f"{'past days' if is_known else 'the baseline'}",
        )


def _extreme(evidence: ColumnEvidence, sign: int) -> float:
    moments = evidence.shape.moments
    assert moments is not None  # noqa: S101 - checked by the caller
    return moments.high if sign > 0 else -moments.low


def _beyond_days(largest: float, days: Sequence[float]) -> float:
    freedom = len(days) - 1
    deviation = max(float(np.std(days, ddof=1)), _STEADIEST)
    z = (largest - float(np.mean(days))) / deviation
    return float((1 + max(z + 1, 0.0) / freedom) ** -freedom)


def _beyond_tail(largest: float, rows: int, tail: Tail) -> float:
    """Return the probability that the largest of some rows is as large, by the tail of the baseline."""
    distance = max(largest - tail.start, 0.0) / tail.length
    return min(rows * tail.share * (1 + distance / tail.values) ** -tail.values, 1.0)


def with_sampling(kind: str, now: ColumnEvidence, finding: Finding | None) -> Finding | None:
    """Return the finding, which for a peak or trough has to be beyond sampling error too.

    Past days show how far the largest of many shares lies from day to day, and the exact test what chance alone does to
    each of them; without enough past days the latter stands alone.
    """
    peak = _peak_of(kind, now)
    if peak is None:
        return finding
    tail = log_upper_tail if kind == _PEAK else log_lower_tail
    chance = min(peak.places * math.exp(tail(peak.rows, now.rows, peak.base_rows, now.base_rows)), 1.0)
    if finding is not None:
        return replace(finding, p_value=max(finding.p_value, chance))
    before, share = peak.base_rows / now.base_rows, peak.rows / now.rows
    effect = 2 * (math.asin(math.sqrt(share)) - math.asin(math.sqrt(before)))
    return Finding(p_value=chance, effect=effect, expected=None, days=0)
