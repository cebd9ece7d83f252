"""Morning messages: what of all models is new, open, without results and resolved since the last one, by owner."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from airflow_mlmon.alerts.channels import name_shared
from airflow_mlmon.alerts.delivery import foreign_failures
from airflow_mlmon.alerts.digest import Digest, DigestLine, DigestMessage, digest_message
from airflow_mlmon.errors import MlmonError, ServiceUnavailableError
from airflow_mlmon.lifecycle.states import worst
from airflow_mlmon.lifecycle.tracked_incidents import TrackedIncident, group_tracked
from airflow_mlmon.pipeline.pages.fleet import read_fleet
from airflow_mlmon.pipeline.pages.inbox import is_absent
from airflow_mlmon.records import AlertState
from airflow_mlmon.reports.fleet import FleetRow, FleetView, ViewKind
from airflow_mlmon.spec.alerts import DigestForm, SharedChannel
from airflow_mlmon.store.metric_store import MetricStore


class DigestSender(Protocol):
    """Interface that sends a morning message on one channel."""

    def send(self, message: DigestMessage) -> None:
        """Send the message and return when the receiver has confirmed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestReport:
    """Numbers of the morning messages of one pass.

    Attributes:
        sent: Messages that arrived.
        quiet: Messages without anything to say, which were not sent.
        repeated: Messages of the day that were sent before, or are being sent.
    """

    sent: int = 0
    quiet: int = 0
    repeated: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """Content of a message, what it tells by key, and the worst severity in it."""

    digest: Digest
    told: Mapping[str, str]
    severity: str


def send_digests(
    store: MetricStore,
    shared: Sequence[SharedChannel],
    make_sender: Callable[[SharedChannel], DigestSender],
    now: datetime,
    *,
    day: date,
    reports_url: str,
) -> DigestReport:
    """Send each owner's message on the shared channels that want it; one that was sent on this day is not sent again.

    Args:
        store: the metric store.
        shared: the shared channels of the deployment.
        make_sender: makes the sender of a channel.
        now: time against which models are late.
        day: the day of the messages.
        reports_url: address of the reports.

    Raises:
        ServiceUnavailableError: at least one message did not arrive; the next call of the day sends it again.
    """
    fleet = read_fleet(store, now)
    incidents = group_tracked(store.unresolved_alerts())
    counts, errors = {"sent": 0, "quiet": 0, "repeated": 0}, []
    for key, channel in name_shared(shared):
        if channel.digest is DigestForm.NEVER:
            continue
        for owner in sorted({row.registered.owner for row in fleet.rows}):
            rows = [row for row in fleet.rows if row.registered.owner == owner and channel.is_for(row.model, owner)]
            if not rows:
                continue
            before = store.last_digest(owner, key)
            found = _collect(rows, incidents, channel, before, owner=owner, day=day, reports_url=reports_url)
            if found.digest.is_quiet and channel.digest is not DigestForm.ALWAYS:
                counts["quiet"] += 1
                continue
            if not store.claim_digest(owner, key, day, now):
                counts["repeated"] += 1
                continue
            try:
                with foreign_failures(key):
                    make_sender(channel).send(digest_message(found.digest, found.severity))
            except MlmonError as error:
                store.fail_digest(owner, key, day, str(error))
                errors.append(f"{owner or 'no owner'}, {key}: {error}")
            else:
                store.finish_digest(owner, key, day, found.told, now)
                counts["sent"] += 1
    if errors:
        raise ServiceUnavailableError(
            f"{len(errors)} of {len(errors) + counts['sent']} morning messages did not arrive: {'; '.join(errors)}",
            hint="the next run of the day sends them again",
        )
    return DigestReport(**counts)


def _collect(
    rows: Sequence[FleetRow],
    incidents: Sequence[TrackedIncident],
    channel: SharedChannel,
    before: Mapping[str, str],
    *,
    owner: str,
    day: date,
    reports_url: str,
) -> _Told:
    models = {row.model for row in rows}
    own = [one for one in incidents if one.model in models and channel.tells(one.severity)]
    shown = [one for one in own if one.state is not AlertState.MUTED]
    new = [one for one in shown if not any(key in before for key in _keys(one))]
    absent = [row for row in rows if is_absent(row)]
    told = {key: f"{one.model}: {one.title}" for one in own for key in _keys(one)}
    told |= {f"{row.model} {row.status}": f"{row.model}: {row.status}" for row in absent}
    over = dict.fromkeys(text for key, text in before.items() if key not in told) if channel.resolved else {}
    view = FleetView(kind=ViewKind.OWNER, value=owner) if owner else FleetView()
    digest = Digest(
        owner=owner,
        day=day,
        models=len(rows),
        new=tuple(_line(one, reports_url) for one in new),
        open=tuple(_line(one, reports_url) for one in shown if one not in new),
        absent=tuple(_absence(row, reports_url) for row in absent),
        resolved=tuple(over),
        report=f"{reports_url}/{view.file()}",
    )
    severities = [one.severity for one in shown]
    return _Told(digest=digest, told=told, severity=worst(severities) if severities else "")


def _keys(incident: TrackedIncident) -> list[str]:
    return [f"{alert.model} {alert.fingerprint} {alert.since}" for alert in incident.alerts]


def _line(incident: TrackedIncident, reports_url: str) -> DigestLine:
    by = f", acknowledged by {', '.join(incident.people)}" if incident.people else ""
    days = "1 day" if incident.days == 1 else f"{incident.days} days"
    return DigestLine(
        model=incident.model,
        kind=incident.severity,
        text=f"{incident.title} (since {incident.since}, {days}{by})",
        href=f"{reports_url}/{incident.model}/{incident.last_breached}/report.html",
    )


def _absence(row: FleetRow, reports_url: str) -> DigestLine:
    late = f" ({row.late} days late)" if row.late > 1 else ""
    href = f"{reports_url}/{row.href}" if row.href else ""
    return DigestLine(model=row.model, kind=row.status, text=f"{row.reason}{late}", href=href)
