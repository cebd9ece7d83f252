"""State of a day on pages, and its headline."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from airflow_mlmon.lifecycle.incidents import group_incidents
from airflow_mlmon.records import Alert, CheckOutcome, PartitionState, Status, Verdict, VerdictState
from airflow_mlmon.spec.choices import Severity

_ALERTING = {
    Status.FAILED: "The run failed",
    Status.NO_DATA: "No data received",
    Status.QUARANTINED: "The data is quarantined",
}


class Tone(StrEnum):
    """State of a day on pages."""

    HEALTHY = "healthy"
    NOTICE = "notice"
    ALERTING = "alerting"


def tone_of(state: PartitionState, alerts: Sequence[Alert], checks: Sequence[CheckOutcome]) -> Tone:
    """Return the state of a day: alerting with an alert or lost data, a notice with a warning or incomplete data."""
    failed = {check.severity for check in checks if check.passed is False}
    tone = day_tone(state.status, alerts=len(alerts))
    if tone is Tone.ALERTING or Severity.BLOCKING in failed:
        return Tone.ALERTING
    unknown = any(check.passed is None and check.severity is Severity.BLOCKING for check in checks)
    return Tone.NOTICE if Severity.WARNING in failed or unknown else tone


def day_tone(status: Status, *, alerts: int) -> Tone:
    """Return the state of a day by its status and the number of its alerts alone."""
    if status in _ALERTING or alerts:
        return Tone.ALERTING
    return Tone.NOTICE if status is Status.PARTIAL else Tone.HEALTHY


def headline(
    state: PartitionState, alerts: Sequence[Alert], checks: Sequence[CheckOutcome], verdicts: Sequence[Verdict]
) -> str:
    """Summarise the day in one sentence."""
    failed = sum(check.passed is False and check.severity is not Severity.RECORDED for check in checks)
    parts = [_ALERTING[state.status]] if state.status in _ALERTING else []
    if alerts:
        incidents = len(group_incidents(alerts))
        together = f"{_counted(incidents, 'incident')} with " if incidents < len(alerts) else ""
        parts.append(together + _counted(len(alerts), "alert"))
    if failed:
        parts.append(f"{_counted(failed, 'check')} failed")
    if state.status is Status.PARTIAL:
        parts.append("part of the data is missing")
    if parts:
        text = ", ".join(parts)
        return f"{text[0].upper()}{text[1:]}."
    if not state.evaluated or (
        verdicts and all(verdict.state is VerdictState.INSUFFICIENT_DATA for verdict in verdicts)
    ):
        return "Not enough data to evaluate this day."
    return "Healthy: everything is within its expected range." if verdicts else "Healthy: no findings."


def rank_checks(checks: Sequence[CheckOutcome]) -> list[CheckOutcome]:
    """Sort the checks: failed ones first, then those that did not run, by severity."""
    severities = list(Severity)
    answers = [False, None, True]
    return sorted(checks, key=lambda check: (answers.index(check.passed), severities.index(check.severity)))


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
