"""Alerts for breaches: the metric, its value and the expected value.

An alert names metrics, columns of the spec and counts. Of the data it names new values alone, see `alerts.new_values`,
and none of a personal column.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from types import MappingProxyType

from airflow_mlmon.causes import CauseKind
from airflow_mlmon.evaluation.causes import PastCauses, has_worsened
from airflow_mlmon.partition import Partition
from airflow_mlmon.quality.infer import measured_by
from airflow_mlmon.records import Alert, CheckOutcome, Family, PartitionState, Status, Verdict, VerdictState
from airflow_mlmon.spec.choices import CRITICAL, WARNING, Severity
from airflow_mlmon.spec.labels import Labels
from airflow_mlmon.spec.metrics import CHECK_PREFIX, STATUS, STATUS_PREFIX
from airflow_mlmon.tasks.registry import METRICS
from airflow_mlmon.tasks.titles import effect_measure, effect_words, p_value_equation, subject_title

_NAME_LENGTH = 120
_STATUS_TITLES = {
    Status.PARTIAL: "data incomplete",
    Status.QUARANTINED: "data quarantined",
    Status.NO_DATA: "no data",
    Status.FAILED: "run failed",
}
_CAUSE_TITLES = {
    CauseKind.FILES: "files refused",
    CauseKind.OUTSIDE: "rows outside the day",
    CauseKind.DUPLICATES: "duplicate predictions",
    CauseKind.LACKING: "rows lack a value",
    CauseKind.ROWS: "rows refused",
    CauseKind.VALUES: "values unreadable",
    CauseKind.CAPTURE: "rows not captured",
    CauseKind.LABEL_FILES: "files of labels refused",
    CauseKind.LABEL_VALUES: "values of labels unreadable",
    CauseKind.LABEL_IDS: "ids of labels belong to no prediction",
    CauseKind.LABEL_CAPTURE: "labels not captured",
}


def metric_alerts(
    partition: Partition,
    family: Family,
    verdicts: Sequence[Verdict],
    labels: Labels | None = None,
    checks: Sequence[CheckOutcome] = (),
) -> list[Alert]:
    """Return one alert for each metric, column and segment in breach, with the most severe breach first.

    Recorded checks that failed have no alert of their own: they are named beside the metric that measures the same.
    """
    evidence = {measured_by(check): check for check in checks if _is_evidence(check)}
    breaches = [verdict for verdict in verdicts if verdict.state is VerdictState.BREACH and verdict.metric in METRICS]
    breaches.sort(key=lambda verdict: ([part or "" for part in verdict.key], verdict.severity != CRITICAL))
    alerts = []
    for (metric, column, segment), found in groupby(breaches, key=lambda verdict: verdict.key):
        group = list(found)
        check = None if segment else evidence.get((metric, column))
        failing = [] if check is None else [_found(check, _check_title(check.expectation))]
        name = plain(subject_title(metric, plain(column or ""), labels), length=2 * _NAME_LENGTH)
        name += f" where {plain(segment)}" if segment else ""
        alerts.append(
            Alert(
                partition=partition,
                family=family,
                metric=metric,
                column=column,
                segment=segment,
                severity=group[0].severity,
                title=f"{name}{_direction(group[0])}",
                text="; ".join((name + ";".join(dict.fromkeys(_compared(verdict) for verdict in group)), *failing)),
                value=group[0].value,
                p_value=group[0].p_value,
                effect=group[0].effect,
            )
        )
    return alerts


def status_alerts(state: PartitionState, past: PastCauses = MappingProxyType({})) -> list[Alert]:
    """Return the alert for a partition without rows to evaluate, or one for each cause for which others are not OK.

    Each cause has a lifecycle of its own, so that one that stands hides no other.

    Args:
        state: partition.
        past: counts of the causes on the days before; one that is much worse than ever is critical.
    """
    if state.status is Status.OK:
        return []
    counts = f"{state.rows_read:,} rows read, {state.rows_accepted:,} accepted, {state.rows_quarantined:,} quarantined"
    counted = [counts] if state.is_counted else []
    causes = () if state.status in {Status.NO_DATA, Status.QUARANTINED} else state.causes
    alerts = []
    if state.status is not Status.PARTIAL or not causes:
        alerts.append(
            Alert(
                partition=state.partition,
                family=Family.PREDICTIONS,
                metric=STATUS,
                column=None,
                severity=WARNING if state.status is Status.PARTIAL else CRITICAL,
                title=_STATUS_TITLES[state.status],
                text=_status_text(state, [*counted, plain(state.message, length=1000)]),
                value=None,
            )
        )
    for cause in causes:
        worse = ["much worse than ever before"] if has_worsened(cause, past) else []
        about = f": {plain(cause.about)}" if cause.about else ""
        alerts.append(
            Alert(
                partition=state.partition,
                family=Family.PREDICTIONS,
                metric=f"{STATUS_PREFIX}{cause.kind}",
                column=None,
                segment=cause.about or None,
                severity=CRITICAL if worse else WARNING,
                title=f"{_CAUSE_TITLES[cause.kind]}{about}",
                text=_status_text(state, [*counted, plain(cause.words, length=1000), *worse]),
                value=float(cause.count),
            )
        )
    return alerts


def _status_text(state: PartitionState, facts: Iterable[str]) -> str:
    return f"status {state.status.value}: " + "; ".join(filter(None, facts))


def check_alerts(partition: Partition, checks: Sequence[CheckOutcome]) -> list[Alert]:
    """Return one alert for each failed or broken check; recorded checks give none.

    Checks of one kind on one column are one alert.
    """
    failed = [check for check in checks if check.severity is not Severity.RECORDED and _has_failed(check)]
    failed.sort(key=lambda check: (check.expectation, check.column or "", check.severity is not Severity.BLOCKING))
    alerts = []
    for (expectation, column), found in groupby(failed, key=lambda check: (check.expectation, check.column)):
        group = list(found)
        name = _check_title(expectation)
        alerts.append(
            Alert(
                partition=partition,
                family=Family.PREDICTIONS,
                metric=f"{CHECK_PREFIX}{expectation}",
                column=column,
                severity=CRITICAL if group[0].severity is Severity.BLOCKING else WARNING,
                title=f"{name} failed" + (f" for {plain(column)}" if column is not None else ""),
                text="; ".join(dict.fromkeys(_found(check, name) for check in group)),
                value=None if group[0].unexpected is None else float(group[0].unexpected),
            )
        )
    return alerts


def shown(metric: str, value: float, digits: int = 3) -> str:
    """Format a value for a message.

    >>> shown("rows", 1014.0), shown("null_rate", 0.0312), shown("score_mean", 0.3871)
    ('1,014', '3.12 %', '0.387')
    """
    known = METRICS.get(metric)
    if known and known.is_count and value == int(value):
        return f"{value:,.0f}"
    if known and known.is_share:
        return f"{_rounded(100 * value, digits)} %"
    return _rounded(value, digits)


def plain(text: str, length: int = _NAME_LENGTH) -> str:
    """Return text on one line, without control characters, and shortened to a length.

    >>> plain("delay" + chr(10) + "Bcc: all")
    'delay Bcc: all'
    """
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return line if len(line) <= length else line[: length - 1] + "…"


def _rounded(value: float, digits: int) -> str:
    return f"{value:,.0f}" if abs(value) >= 10**digits else f"{value:.{digits}g}"


def _direction(verdict: Verdict) -> str:
    if verdict.p_value is not None and verdict.note:
        return f": {verdict.note}"
    if verdict.p_value is not None:
        return f" {'below' if (verdict.effect or 0) < 0 else 'above'} its expected range"
    if verdict.value is not None and verdict.low is not None and verdict.value < verdict.low:
        return " below its limit"
    return " above its limit"


def _compared(verdict: Verdict) -> str:
    if verdict.p_value is not None:
        return _against_expected(verdict)
    value, low, high = _distinct(verdict.metric, verdict.value, verdict.low, verdict.high)
    one_sided = f"at least {low}" if low else f"at most {high}"
    expected = f"{low} to {high}" if low and high else one_sided
    source = "by the spec" if verdict.history is None else f"from {verdict.history} days"
    return f" {value}, expected {expected} {source}"


def _against_expected(verdict: Verdict) -> str:
    """Return the value, the expected value, the effect size, the p-value and the history that they rest on."""
    effect = verdict.effect or 0.0
    words = effect_words(verdict.metric, effect, segment=verdict.segment)
    measure = effect_measure(verdict.metric, segment=verdict.segment)
    parts = (
        verdict.note,
        f"effect size {effect:+.2g} ({', '.join(filter(None, (measure, words)))})",
        p_value_equation(verdict.p_value or 0.0),
        "against sampling error only" if verdict.history is None else f"against {verdict.history} days",
    )
    value = "" if verdict.value is None else f" {shown(verdict.metric, verdict.value)}"
    expected = "" if verdict.expected is None else f", expected {shown(verdict.metric, verdict.expected)}"
    return f"{value}{expected}: " + "; ".join(filter(None, parts))


def _distinct(metric: str, value: float | None, low: float | None, high: float | None) -> tuple[str, str, str]:
    """Format the three with as many digits as it takes to tell the value from its limits."""
    numbers = (value, low, high)
    for digits in (3, 6, 9, 12):
        words = ["" if number is None else shown(metric, number, digits) for number in numbers]
        if words[0] not in words[1:]:
            break
    return words[0], words[1], words[2]


def _is_evidence(check: CheckOutcome) -> bool:
    return check.severity is Severity.RECORDED and check.passed is False and measured_by(check) is not None


def _check_title(expectation: str) -> str:
    return "check " + plain(expectation.removeprefix("expect_").replace("_", " "))


def _has_failed(check: CheckOutcome) -> bool:
    return check.passed is False or (check.passed is None and bool(check.error))


def _found(check: CheckOutcome, name: str) -> str:
    subject = name + (f" of {plain(check.column)}" if check.column is not None else "")
    if check.passed is None:
        return f"{subject}: could not be run"
    parts: Iterable[str] = (
        f"{check.unexpected:,} of {check.rows:,} rows" if check.unexpected is not None else "",
        f"observed {plain(check.observed)}" if check.observed else "",
        f"expected {plain(check.expected)}" if check.expected else "",
    )
    return f"{subject}: " + (", ".join(part for part in parts if part) or "failed")
