"""Checks on a day's page: in their order, and beside the verdicts on what they measure."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_mlmon.quality.infer import measured_by
from airflow_mlmon.records import Alert, CheckOutcome, Verdict, VerdictState
from airflow_mlmon.reports.tone import rank_checks
from airflow_mlmon.spec.choices import Severity
from airflow_mlmon.spec.metrics import CHECK_PREFIX


def list_checks(
    checks: Sequence[CheckOutcome], verdicts: Sequence[Verdict]
) -> list[tuple[CheckOutcome, Verdict | None]]:
    """Sort the checks, each with the verdict on the metric that measures the same, a breach before others."""
    found: dict[tuple[str, str | None], Verdict] = {}
    for verdict in sorted(verdicts, key=lambda one: one.state is not VerdictState.BREACH):
        if verdict.segment is None:
            found.setdefault((verdict.metric, verdict.column), verdict)
    ranked = [(check, measured_by(check)) for check in rank_checks(checks)]
    return [(check, found.get(measured) if measured else None) for check, measured in ranked]


def list_failed(checks: Sequence[CheckOutcome], alerts: Sequence[Alert]) -> list[CheckOutcome]:
    """Return the failed checks without an alert, but for recorded ones."""
    told = {(alert.metric, alert.column) for alert in alerts}
    return [
        check
        for check in rank_checks(checks)
        if check.passed is False
        and check.severity is not Severity.RECORDED
        and (f"{CHECK_PREFIX}{check.expectation}", check.column) not in told
    ]
