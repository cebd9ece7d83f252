"""What people do about alerts: find one by what it is about, take it on, mute it or resolve it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from airflow_mlmon.errors import ConfigError, NotFoundError
from airflow_mlmon.lifecycle.tracked import TrackedAlert
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import Action, Alert, AlertState


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertName:
    """How people name an alert: by the beginning of its fingerprint, or by what it is about."""

    fingerprint: str | None = None
    metric: str | None = None
    column: str | None = None
    segment: str | None = None

    def names(self, alert: TrackedAlert) -> bool:
        """Whether it can mean the alert."""
        if self.fingerprint is not None:
            return alert.fingerprint.startswith(self.fingerprint)
        return (self.metric, self.column, self.segment) == (alert.metric, alert.column, alert.segment)

    def __str__(self) -> str:
        """The name as people gave it."""
        given = (self.fingerprint, self.metric, self.column, self.segment)
        return ", ".join(part for part in given if part is not None)


def list_alerts(run: Run, first: date, last: date, states: Collection[AlertState] = ()) -> list[TrackedAlert]:
    """The alerts of a range of days, under the policy that the spec has now; of these states, or of any."""
    run.store.follow_alerts(run.model, run.policy)
    return [
        alert
        for alert in run.store.tracked_alerts(run.model)
        if alert.since <= last
        and (alert.resolved_on is None or alert.resolved_on >= first)
        and (not states or alert.state in states)
    ]


def act_on_alerts(
    run: Run, names: Sequence[AlertName], action: Action, *, with_incident: bool = False
) -> list[TrackedAlert]:
    """Do something about the alerts that are named, all or none, and return how each stands then.

    Args:
        run: the model.
        names: one alert each.
        action: what is done.
        with_incident: whether it is done about every open alert that broke with one of them on a night, by one
            likely cause.

    Raises:
        ConfigError: nobody or no reason is named, a mute ends before it begins, or a name can mean several alerts.
        NotFoundError: a name means none.
        StateError: an alert is not open on that day, or the day has no night.
    """
    for what, text in (("who", action.who), ("why", action.why)):
        if not text.strip():
            raise ConfigError(f"Something is done about an alert by somebody for a reason, and {what} is empty.")
    if action.until is not None and action.until < action.day:
        raise ConfigError(f"The alert would be muted until {action.until}, before {action.day}, from which it counts.")
    run.store.follow_alerts(run.model, run.policy)
    tracked = run.store.tracked_alerts(run.model)
    meant = list(dict.fromkeys(_meant(run, name, tracked) for name in names))
    if with_incident:
        meant += [found for found in _broke_with(run, meant, tracked, action.day) if found not in meant]
    return run.store.act(run.model, meant, action, channels=run.channels, policy=run.policy)


def _meant(run: Run, name: AlertName, tracked: Sequence[TrackedAlert]) -> str:
    """The fingerprint of the one alert that a name means."""
    meant = {alert.fingerprint: alert for alert in tracked if name.names(alert)}
    if not meant:
        raise NotFoundError(f"{run.model} has no alert {name}.", hint="see `mlmon alerts list`")
    if len(meant) > 1:
        titles = ", ".join(f"{fingerprint} ({alert.title})" for fingerprint, alert in sorted(meant.items()))
        raise ConfigError(f"{name} can mean {titles}.", hint="give more of the fingerprint")
    return next(iter(meant))


def _broke_with(run: Run, meant: Collection[str], tracked: Sequence[TrackedAlert], day: date) -> list[str]:
    """The open alerts that had, on a night on which one of those meant broke, the same likely cause."""
    last = {alert.fingerprint: alert for alert in tracked if alert.since <= day}
    opened = {name: alert for name, alert in last.items() if alert.resolved_on is None}
    of_meant = [opened[name] for name in meant if name in opened]
    if not of_meant:
        return []
    breaches = run.store.alerts(run.model, min(alert.since for alert in of_meant), day)
    broke = {
        _incident(breach)
        for breach in breaches
        if breach.fingerprint in meant and breach.partition.day >= opened[breach.fingerprint].since
    }
    with_them = {breach.fingerprint for breach in breaches if _incident(breach) in broke}
    return [name for name in opened if name in with_them]


def _incident(breach: Alert) -> tuple[date, str]:
    return breach.partition.day, breach.cause or breach.title


def last_night(run: Run) -> date:
    """The last judged night, after which what people do counts.

    Raises:
        NotFoundError: none was judged.
    """
    last = run.store.last_judged_day(run.model)
    if last is None:
        raise NotFoundError(f"No night of {run.model} was judged yet.")
    return last
