"""Last step: send the waiting alerts to their channels."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from functools import partial

from airflow_mlmon.alerts.channels import Sender
from airflow_mlmon.alerts.delivery import DeliveryReport, deliver, foreign_failures
from airflow_mlmon.alerts.message import day_message
from airflow_mlmon.errors import MlmonError, ServiceUnavailableError
from airflow_mlmon.lifecycle.tracked import TrackedAlert
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.baselines.write_back import write_back
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.telemetry import SEND, find_links, observed
from airflow_mlmon.records import Alert, AlertEvent, AlertState

log = logging.getLogger(__name__)


@observed(SEND)
def send_alerts(run: Run, partition: Partition, senders: Mapping[str, Sender], now: datetime) -> DeliveryReport:  # noqa: ARG001 - of its record
    """Send the waiting alerts of a model after a day's run; failed ones stay in the outbox for the next run.

    Channels that drop an alert unless it is repeated, such as Alertmanager, receive every open alert again. What was
    accepted is written to MLflow first, and said in the log if that fails.

    Raises:
        ServiceUnavailableError: at least one message was not delivered.
    """
    if not run.is_silent and (problem := write_back(run)):
        log.warning("%s", problem)
    tracked = run.store.tracked_alerts(run.model)
    report = _deliver_all(run, senders, now, _filter(run, tracked))
    unresolved = [alert for alert in tracked if alert.state is not AlertState.RESOLVED]
    # a silent run sends no alerts that it has opened itself
    forgotten = [] if run.is_silent else list(_tell_again(run, senders, unresolved))
    if report.failed:
        raise ServiceUnavailableError(
            f"{run.model}: {report.failed} of {report.failed + report.sent} alerts were not delivered: "
            + "; ".join(report.errors),
            hint="they stay in the outbox; the next run sends them again",
        )
    if forgotten:
        raise ServiceUnavailableError(
            f"Open alerts of {run.model} could not be repeated: {'; '.join(forgotten)}",
            hint="the next run repeats them",
        )
    return report


def _deliver_all(
    run: Run, senders: Mapping[str, Sender], now: datetime, tells: Callable[[str, Alert], bool]
) -> DeliveryReport:
    """Send waiting alerts pass by pass, so that a long backfill does not delay later days.

    After a failure the rest waits for the next run, because a failing channel may be slow and leases would expire.
    """
    report = DeliveryReport()
    while not report.failed:
        found = deliver(
            run.store,
            senders,
            now,
            model=run.model,
            page_url=run.page_url,
            links=partial(find_links, run.store, run.links),
            tells=tells,
        )
        report = report.joined(found)
        if not found.messages:
            break
    return report


def _filter(run: Run, tracked: list[TrackedAlert]) -> Callable[[str, Alert], bool]:
    """Return a filter of a channel by the highest severity of an alert: who received it also receives its end.

    A channel that is no longer declared filters nothing, so that its delivery fails visibly.
    """
    worst = {(alert.fingerprint, alert.since): alert.severity for alert in tracked}

    def tells(channel: str, alert: Alert) -> bool:
        declared, lifecycle = run.declared_channels.get(channel), alert.lifecycle
        if declared is None or lifecycle is None:
            return True
        is_resolved = lifecycle.event is AlertEvent.RESOLVED
        severity = worst.get((alert.fingerprint, lifecycle.since), alert.severity) if is_resolved else alert.severity
        return declared.tells(severity, is_resolved=is_resolved)

    return tells


def _tell_again(run: Run, senders: Mapping[str, Sender], unresolved: list[TrackedAlert]) -> Iterator[str]:
    """Send the open alerts again to each channel that drops them, and return the errors."""
    states = run.store.states(run.model, date.min, date.max)
    breaches = [breach for alert in unresolved for breach in _last_breach(run, alert)]
    for key, channel in run.declared_channels.items():
        told = [breach for breach in breaches if channel.tells(breach.severity)]
        if channel.alertmanager is None or not told:
            continue
        try:
            with foreign_failures(key):
                day = states[-1].partition
                links = find_links(run.store, run.links, day)
                senders[key].send(day_message(states[-1], told, run.page_url(day), links))
        except MlmonError as error:
            yield f"{key}: {error}"


def _last_breach(run: Run, tracked: TrackedAlert) -> list[Alert]:
    """Return the last breach of an alert, with the alert's highest severity."""
    found = run.store.alerts(run.model, tracked.last_breached, tracked.last_breached)
    return [replace(alert, severity=tracked.severity) for alert in found if alert.fingerprint == tracked.fingerprint]
