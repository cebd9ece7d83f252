"""Last step: the alerts that are waiting go to their channels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime

from airflow_mlmon.alerts.channels import Sender
from airflow_mlmon.alerts.delivery import DeliveryReport, deliver, foreign_failures
from airflow_mlmon.alerts.message import night_message
from airflow_mlmon.errors import MlmonError, ServiceUnavailableError
from airflow_mlmon.lifecycle.tracked import TrackedAlert
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import Alert, AlertEvent, AlertState


def send_alerts(run: Run, senders: Mapping[str, Sender], now: datetime) -> DeliveryReport:
    """Send what is due; what fails stays in the outbox and is tried again.

    Channels that forget an alert unless it is repeated, as Alertmanager does, are told again of every open one.

    Raises:
        ServiceUnavailableError: at least one message did not arrive.
    """
    tracked = run.store.tracked_alerts(run.model)
    report = _deliver_all(run, senders, now, _filter(run, tracked))
    unresolved = [alert for alert in tracked if alert.state is not AlertState.RESOLVED]
    # a quiet run tells nobody of what it has opened itself
    forgotten = [] if run.is_quiet else list(_tell_again(run, senders, unresolved))
    if report.failed:
        raise ServiceUnavailableError(
            f"{run.model}: {report.failed} of {report.failed + report.sent} alerts were not delivered: "
            + "; ".join(report.errors),
            hint="they stay in the outbox, and the next run tries again",
        )
    if forgotten:
        raise ServiceUnavailableError(
            f"Open alerts of {run.model} could not be told again: {'; '.join(forgotten)}",
            hint="the next run tells of them",
        )
    return report


def _deliver_all(
    run: Run, senders: Mapping[str, Sender], now: datetime, tells: Callable[[str, Alert], bool]
) -> DeliveryReport:
    """Send what is due, pass after pass: what a long backfill has to tell keeps no later night waiting.

    A channel that fails may be slow to do so; then the rest waits for the next run, before leases end.
    """
    report = DeliveryReport()
    while not report.failed:
        found = deliver(run.store, senders, now, model=run.model, page_url=run.page_url, tells=tells)
        report = report.joined(found)
        if not found.messages:
            break
    return report


def _filter(run: Run, tracked: list[TrackedAlert]) -> Callable[[str, Alert], bool]:
    """Whether an alert is for a channel, by the worst that it has been: who was told of that is told of its end.

    A channel that is not declared any more refuses nothing, so that delivery fails and says so.
    """
    worst = {(alert.fingerprint, alert.since): alert.severity for alert in tracked}

    def tells(channel: str, alert: Alert) -> bool:
        declared, standing = run.declared_channels.get(channel), alert.standing
        if declared is None or standing is None:
            return True
        is_resolved = standing.event is AlertEvent.RESOLVED
        severity = worst.get((alert.fingerprint, standing.since), alert.severity) if is_resolved else alert.severity
        return declared.tells(severity, is_resolved=is_resolved)

    return tells


def _tell_again(run: Run, senders: Mapping[str, Sender], unresolved: list[TrackedAlert]) -> Iterator[str]:
    """Send the alerts that have not resolved to each channel that forgets; what went wrong."""
    nights = run.store.nights(run.model, date.min, date.max)
    breaches = [breach for alert in unresolved for breach in _last_breach(run, alert)]
    for key, channel in run.declared_channels.items():
        told = [breach for breach in breaches if channel.tells(breach.severity)]
        if channel.alertmanager is None or not told:
            continue
        try:
            with foreign_failures(key):
                senders[key].send(night_message(nights[-1], told, run.page_url(nights[-1].partition)))
        except MlmonError as error:
            yield f"{key}: {error}"


def _last_breach(run: Run, tracked: TrackedAlert) -> list[Alert]:
    """The last breach of an alert, as bad as the alert has been."""
    found = run.store.alerts(run.model, tracked.last_breached, tracked.last_breached)
    return [replace(alert, severity=tracked.severity) for alert in found if alert.fingerprint == tracked.fingerprint]
