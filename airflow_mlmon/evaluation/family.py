"""Family of tests that are corrected together, and their verdicts.

A value is in breach if its p-value meets the corrected level and its effect size the minimum.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from airflow_mlmon.evaluation.drift import ColumnHistory, evaluate_column
from airflow_mlmon.evaluation.hours import RowHours, evaluate_row_hours
from airflow_mlmon.evaluation.limits import limits_of, smallest_effect
from airflow_mlmon.evaluation.series import Finding, Series, evaluate_series
from airflow_mlmon.records import MetricValue, Verdict, VerdictState
from airflow_mlmon.spec.choices import CRITICAL, WARNING
from airflow_mlmon.spec.evaluation import EvaluationPolicy
from airflow_mlmon.spec.metric import UNSAMPLED, Measure
from airflow_mlmon.spec.metrics import ROWS
from airflow_mlmon.statistics.correction import levels
from airflow_mlmon.statistics.dispersion import FEWEST_DAYS, Expectation, PastNumbers, estimate_each, shrink
from airflow_mlmon.tasks.registry import METRICS

_T = TypeVar("_T")

_LARGE = 0.5
# of the rate, for the new values of closed vocabularies
_CLOSED_SHARE = 0.2
_BY_SAMPLING = "sampling error only"
_EXPECTED = "as expected in {} days"
_AT_FIRST = "as in its first {} days"


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """Test of a metric: a number with its trailing and initial windows, the drift of a column, or the rows by hour."""

    metric: MetricValue
    series: Series | None = None
    first: Sequence[Series] = ()
    column: ColumnHistory | None = None
    hours: RowHours | None = None

    @property
    def is_closed(self) -> bool:
        """Whether it is about new values of a closed vocabulary."""
        return self.series is not None and self.series.is_closed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evaluated:
    """Result of a test with its history."""

    finding: Finding
    series: Series | None = None
    expected: Expectation | None = None
    rule: str = _EXPECTED


def evaluate_family(tests: Sequence[Test], policy: EvaluationPolicy) -> list[Verdict]:
    """Return the verdicts on tests that are corrected together."""
    columns = _expected_of_columns([test.column for test in tests])
    spreads = _shrunk([test.column for test in tests], ColumnHistory.log_ratios)
    expectations = _shrunk([test.series for test in tests], Series.numbers)
    firsts = _shrunk([test.first[0] if test.first else None for test in tests], Series.numbers)
    evaluated: list[_Evaluated | None] = []
    for test, own, spread, expected, first in zip(tests, columns, spreads, expectations, firsts, strict=True):
        floor = _floor_of(test, policy)
        if test.column:
            evaluated.append(_Evaluated(finding=evaluate_column(test.column, own, spread, floor)))
        elif test.hours:
            evaluated.append(_Evaluated(finding=evaluate_row_hours(test.hours, floor)))
        else:
            evaluated.append(_evaluate_number(test, expected, first, floor))
    met = _levels(tests, evaluated, policy)
    verdicts = []
    for test, one in zip(tests, evaluated, strict=True):
        if one is None:
            days = len(test.series.past) if test.series else 0
            lack = f"{days} days of history, fewer than {FEWEST_DAYS}"
            verdicts.append(insufficient(test.metric, lack))
        else:
            level, is_met = next(met)
            floor_of_it = _floor_of(test, policy)(one.finding.days)
            limits = limits_of(one.series, one.expected, level, floor_of_it) if one.series else (None, None)
            is_breach = is_met and abs(one.finding.effect) >= floor_of_it
            verdicts.append(_verdict(test.metric, one, limits, is_breach=is_breach))
    return verdicts


def _floor_of(test: Test, policy: EvaluationPolicy) -> Callable[[int], float]:
    """Return the smallest effect size that counts, by the length of the history."""
    if test.is_closed:
        # any value that was never to come is news
        return lambda _: 0.0
    return partial(smallest_effect, policy, test.metric.metric)


def _levels(
    tests: Sequence[Test], evaluated: Sequence[_Evaluated | None], policy: EvaluationPolicy
) -> Iterator[tuple[float, bool]]:
    """Yield the level of each evaluated test and whether it is met; the closed vocabularies have a share of the rate.

    Few of their tests can alarm by chance, so a family of their own costs them no power, and the others little.
    """
    families: dict[bool, list[float]] = {True: [], False: []}
    held = [(test.is_closed, one.finding.p_value) for test, one in zip(tests, evaluated, strict=True) if one]
    for is_closed, p_value in held:
        families[is_closed].append(p_value)
    share = _CLOSED_SHARE if families[True] else 0.0
    rates = {True: policy.rate * share, False: policy.rate * (1 - share)}
    found = {family: iter(levels(own, rates[family], policy.correction)) for family, own in families.items()}
    for is_closed, _ in held:
        yield next(found[is_closed])


def _evaluate_number(
    test: Test, expected: Expectation | None, first: Expectation | None, floor: Callable[[int], float]
) -> _Evaluated | None:
    """Test a number against its trailing and initial windows; the more significant result counts, as two tests."""
    assert test.series is not None  # noqa: S101 - a test is a column or a number
    finding = evaluate_series(test.series, expected)
    evaluated = [_Evaluated(finding=finding, series=test.series, expected=expected)] if finding else []
    for series in test.first:
        finding = evaluate_series(series, first)
        if finding:
            side = "lower" if finding.effect < 0 else "higher"
            over = f" over {series.averaged} days" if series.averaged > 1 else ""
            words = f"{side}{over} than in its initial window from {series.past[0][0]}"
            finding = replace(finding, words=words)
            evaluated.append(_Evaluated(finding=finding, series=series, expected=first, rule=_AT_FIRST))
    if not evaluated:
        return None
    # effect sizes below the minimum come second
    best = min(evaluated, key=lambda one: (abs(one.finding.effect) < floor(one.finding.days), one.finding.p_value))
    finding = replace(best.finding, p_value=min(len(evaluated) * best.finding.p_value, 1.0))
    return replace(best, finding=_in_units(test, finding))


def _in_units(test: Test, finding: Finding) -> Finding:
    """Convert the result to the units of its metric: a share of rows back to rows."""
    is_share = test.metric.metric == ROWS and test.series is not None and test.series.measure is Measure.SHARE
    if not is_share or test.series is None or finding.expected is None:
        return finding
    return replace(finding, expected=finding.expected * test.series.now.rows)


def _expected_of_columns(columns: Sequence[ColumnHistory | None]) -> list[dict[str, Expectation]]:
    """Estimate the expected value of each number of each column; the variances of one kind are shrunk together."""
    kinds = dict.fromkeys(kind for column in columns if column for kind in column.series)
    found: list[dict[str, Expectation]] = [{} for _ in columns]
    for kind in kinds:
        of_kind = [column.series.get(kind) if column else None for column in columns]
        for own, expected in zip(found, _shrunk(of_kind, Series.numbers), strict=True):
            if expected:
                own[kind] = expected
    return found


def _shrunk(items: Sequence[_T | None], numbers_of: Callable[[_T], PastNumbers]) -> list[Expectation | None]:
    """Estimate the expected value of each number with a history, with its variance shrunk by measure."""
    estimated = iter(estimate_each([numbers_of(item) for item in items if item is not None]))
    found = {at: expected for at, item in enumerate(items) if item is not None and (expected := next(estimated))}
    groups: dict[str, list[int]] = {}
    for at in found:
        item = items[at]
        groups.setdefault(item.measure if isinstance(item, Series) else "distribution", []).append(at)
    shrunk: dict[int, Expectation] = {}
    for measure, members in groups.items():
        own = [found[at] for at in members]
        # the variances of such numbers have nothing in common
        drawn = own if measure in UNSAMPLED else shrink(own)
        shrunk |= dict(zip(members, drawn, strict=True))
    return [shrunk.get(at) for at in range(len(items))]


def _verdict(
    value: MetricValue, evaluated: _Evaluated, limits: tuple[float | None, float | None], *, is_breach: bool
) -> Verdict:
    finding = evaluated.finding
    is_critical = abs(finding.effect) >= _LARGE or METRICS[value.metric].is_performance
    return Verdict(
        metric=value.metric,
        column=value.column,
        segment=value.segment,
        value=value.value,
        state=VerdictState.BREACH if is_breach else VerdictState.OK,
        low=limits[0],
        high=limits[1],
        rule=evaluated.rule.format(finding.days) if finding.days else _BY_SAMPLING,
        history=finding.days or None,
        # a value within its range names its comparison only if it is not the trailing window
        note="; ".join(filter(None, (finding.words, value.reason))) if is_breach or evaluated.rule == _AT_FIRST else "",
        severity=CRITICAL if is_critical else WARNING,
        p_value=finding.p_value,
        effect=finding.effect,
        expected=finding.expected,
    )


def insufficient(value: MetricValue, note: str) -> Verdict:
    """Return the verdict on a value that cannot be evaluated."""
    has_value = value.value is not None and math.isfinite(value.value)
    return Verdict(
        metric=value.metric,
        column=value.column,
        segment=value.segment,
        value=value.value if has_value else None,
        state=VerdictState.INSUFFICIENT_DATA,
        low=None,
        high=None,
        rule="as expected",
        note=note,
    )
