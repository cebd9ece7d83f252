"""Evaluation of a day's metrics by the rules of the spec.

A history limit is that of a robust z-score,

    z = (value - median) / max(1.4826 * MAD, floor)

with the median and the median absolute deviation (MAD) of the trailing days. The factor 1.4826 makes the MAD of a
normal distribution its standard deviation. If all days are equal and the spec has no floor, any change of more than
one part in a thousand million of the median is a breach.

A value equal to its limit is no breach.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median

from airflow_mlmon.records import MetricValue, PartitionState, Status, Verdict, VerdictState
from airflow_mlmon.spec.alerts import AlertRule, HistoryLimit
from airflow_mlmon.spec.choices import CRITICAL, WARNING
from airflow_mlmon.spec.history import History
from airflow_mlmon.spec.metrics import STATUS
from airflow_mlmon.tasks.registry import METRICS

MAD_TO_DEVIATION = 1.4826
CONSTANT_EPSILON = 1e-9

Values = Mapping[tuple[str, str | None], Sequence[float]]


def evaluate_rules(
    metrics: Sequence[MetricValue], history: Values, rules: Sequence[AlertRule], history_spec: History
) -> list[Verdict]:
    """Apply the rules to the metrics, in the order of the rules.

    A rule without a column applies to the value of all columns, or, if there is none, to each column. Rules on metrics
    of labels are skipped if none is given, and the others likewise, so that each family of results has its own rules.

    Args:
        metrics: the values of the day.
        history: the values of the trailing days, by metric and column.
        rules: the rules of the spec.
        history_spec: length and minimum of the history.
    """
    families = {METRICS[metric.metric].needs_labels for metric in metrics if metric.metric in METRICS}
    verdicts: list[Verdict] = []
    for rule in rules:
        if METRICS[rule.metric].needs_labels not in families:
            continue
        for metric in _matching(metrics, rule):
            if rule.min is not None or rule.max is not None:
                verdicts.append(_by_limits(metric, rule))
            if rule.history is not None:
                past = [value for value in history.get((metric.metric, metric.column), ()) if math.isfinite(value)]
                verdicts.append(_by_history(metric, past, rule.history, history_spec, rule.severity))
    return verdicts


def status_verdict(state: PartitionState) -> Verdict:
    """Return the verdict on the status of the day: anything but OK is a breach, unless its causes are."""
    severity = WARNING if state.status in {Status.OK, Status.PARTIAL} else CRITICAL
    is_ok = state.status is Status.OK or (state.status is Status.PARTIAL and bool(state.causes))
    return Verdict(
        metric=STATUS,
        column=None,
        value=None,
        state=VerdictState.OK if is_ok else VerdictState.BREACH,
        low=None,
        high=None,
        rule="status OK",
        note=state.status.value,
        severity=severity,
    )


def _matching(metrics: Sequence[MetricValue], rule: AlertRule) -> list[MetricValue]:
    of_metric = [metric for metric in metrics if metric.metric == rule.metric]
    found = [metric for metric in of_metric if metric.column == rule.column]
    if not found and rule.column is None:
        found = of_metric
    return found or [MetricValue(metric=rule.metric, column=rule.column, value=None, rows=0)]


def _by_limits(metric: MetricValue, rule: AlertRule) -> Verdict:
    if rule.min is not None and rule.max is not None:
        words = f"between {rule.min:g} and {rule.max:g}"
    else:
        words = f"at least {rule.min:g}" if rule.min is not None else f"at most {rule.max:g}"
    return _verdict(metric, rule.min, rule.max, words, rule.severity)


def _by_history(
    metric: MetricValue, past: Sequence[float], limit: HistoryLimit, history: History, severity: str
) -> Verdict:
    words = _history_words(limit, history)
    if len(past) < history.minimum:
        note = f"history {len(past)} of {history.days}"
        return _verdict(metric, None, None, words, severity, history=len(past), missing=note)
    centre = median(past)
    scale = max(MAD_TO_DEVIATION * median(abs(value - centre) for value in past), limit.floor)
    width = limit.deviations * scale if scale > 0 else CONSTANT_EPSILON * abs(centre)
    low = None if limit.side == "above" else centre - width
    high = None if limit.side == "below" else centre + width
    deviations = (metric.value - centre) / scale if metric.value is not None and scale > 0 else None
    return _verdict(
        metric,
        *_possible(metric.metric, low, high),
        words,
        severity,
        history=len(past),
        deviations=deviations if deviations is None or math.isfinite(deviations) else None,
    )


def _history_words(limit: HistoryLimit, history: History) -> str:
    deviations = f"{limit.deviations:g} robust standard deviations"
    days = f"the median of {history.days} days"
    if limit.side == "both":
        return f"within {deviations} of {days}"
    return f"at most {deviations} {limit.side} {days}"


def _possible(metric: str, low: float | None, high: float | None) -> tuple[float | None, float | None]:
    """Cut the limits to the range of the metric, which changes no verdict."""
    lowest = METRICS[metric].lowest
    if low is not None and lowest is not None:
        low = max(low, lowest)
    if high is not None and METRICS[metric].is_share:
        high = min(high, 1.0)
    return low, high


def _verdict(
    metric: MetricValue,
    low: float | None,
    high: float | None,
    rule: str,
    severity: str,
    *,
    history: int | None = None,
    deviations: float | None = None,
    missing: str = "",
) -> Verdict:
    value = metric.value
    missing = missing or metric.withheld
    if value is None or not math.isfinite(value):
        missing = "no value" if value is None else "the value is not finite"
        value = None
    if missing:
        state = VerdictState.INSUFFICIENT_DATA
    elif value is not None and ((low is not None and value < low) or (high is not None and value > high)):
        state = VerdictState.BREACH
    else:
        state = VerdictState.OK
    return Verdict(
        metric=metric.metric,
        column=metric.column,
        segment=metric.segment,
        value=value,
        state=state,
        low=low,
        high=high,
        rule=rule,
        history=history,
        deviations=deviations,
        note=missing or (metric.reason if state is VerdictState.BREACH else ""),
        severity=severity,
    )
