"""State of a day on pages, and its headline."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from airflow_mlmon.lifecycle.incidents import group_incidents
from airflow_mlmon.records import Alert, CheckOutcome, Night, Status, Verdict, VerdictState
from airflow_mlmon.spec.choices import Severity

_LOUD = {
    Status.FAILED: "The run failed",
    Status.NO_DATA: "No data received",
    Status.QUARANTINED: "The data is quarantined",
}


class Tone(StrEnum):
    """State of a day on pages."""

    QUIET = "quiet"
    NOTICE = "notice"
    LOUD = "loud"


def tone_of(night: Night, alerts: Sequence[Alert], checks: Sequence[CheckOutcome]) -> Tone:
    """Return the state of a day: alerting with an alert or lost data, a notice with a warning or incomplete data."""
    failed = {check.severity for check in checks if check.passed is False}
    if night.status in _LOUD or alerts or Severity.BLOCKING in failed:
        return Tone.LOUD
    unknown = any(check.passed is None and check.severity is Severity.BLOCKING for check in checks)
    if night.status is Status.PARTIAL or Severity.WARNING in failed or unknown:
        return Tone.NOTICE
    return Tone.QUIET


def headline(night: Night, alerts: Sequence[Alert], checks: Sequence[CheckOutcome], verdicts: Sequence[Verdict]) -> str:
    """Summarise the day in one sentence."""
    failed = sum(check.passed is False and check.severity is not Severity.RECORDED for check in checks)
    parts = [_LOUD[night.status]] if night.status in _LOUD else []
    if alerts:
        incidents = len(group_incidents(alerts))
        together = f"{_counted(incidents, 'incident')} with " if incidents < len(alerts) else ""
        parts.append(together + _counted(len(alerts), "alert"))
    if failed:
        parts.append(f"{_counted(failed, 'check')} failed")
    if night.status is Status.PARTIAL:
        parts.append("part of the data is missing")
    if parts:
        text = ", ".join(parts)
        return f"{text[0].upper()}{text[1:]}."
    if not night.judged or (verdicts and all(verdict.state is VerdictState.INSUFFICIENT_DATA for verdict in verdicts)):
        return "Not enough data to evaluate this day."
    return "Healthy: everything is within its expected range." if verdicts else "Healthy: no findings."


def rank_checks(checks: Sequence[CheckOutcome]) -> list[CheckOutcome]:
    """Sort the checks: failed ones first, then those that did not run, by severity."""
    severities = list(Severity)
    answers = [False, None, True]
    return sorted(checks, key=lambda check: (answers.index(check.passed), severities.index(check.severity)))


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
