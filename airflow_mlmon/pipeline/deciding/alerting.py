"""Actions on alerts: find, acknowledge, mute, resolve or accept one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from airflow_mlmon.errors import ConfigError, NotFoundError
from airflow_mlmon.lifecycle.tracked import TrackedAlert
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import Action, ActionKind, Alert, AlertState


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertName:
    """Name of an alert: the start of its fingerprint, or its metric, column and segment."""

    fingerprint: str | None = None
    metric: str | None = None
    column: str | None = None
    segment: str | None = None

    def names(self, alert: TrackedAlert) -> bool:
        """Return True if the name fits the alert."""
        if self.fingerprint is not None:
            return alert.fingerprint.startswith(self.fingerprint)
        return (self.metric, self.column, self.segment) == (alert.metric, alert.column, alert.segment)

    def __str__(self) -> str:
        """Return the name as it was given."""
        given = (self.fingerprint, self.metric, self.column, self.segment)
        return ", ".join(part for part in given if part is not None)


def list_alerts(run: Run, first: date, last: date, states: Collection[AlertState] = ()) -> list[TrackedAlert]:
    """Return the alerts of a range of days under the current policy, in some states or any."""
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
    """Apply an action to alerts, to all or to none, and return their states.

    A change is accepted as a whole: for every open alert of the incident, and for what broke with it and is not open,
    such as an alert that still needs more days.

    Args:
        run: the model.
        names: one alert each.
        action: the action.
        with_incident: apply it to every open alert of the same incident, that is with the same likely cause on one
            day; implied if a change is accepted.

    Raises:
        ConfigError: the name or the reason is empty, a mute ends before it begins, or a name is ambiguous.
        NotFoundError: no alert has the name.
        StateError: an alert is not open on that day, or the day has not been run.
    """
    for what, text in (("who", action.who), ("why", action.why)):
        if not text.strip():
            raise ConfigError(f"An action on an alert needs a name and a reason; {what} is empty.")
    if action.until is not None and action.until < action.day:
        raise ConfigError(f"The mute ends on {action.until}, before it takes effect on {action.day}.")
    run.store.follow_alerts(run.model, run.policy)
    tracked = run.store.tracked_alerts(run.model)
    meant = list(dict.fromkeys(_meant(run, name, tracked) for name in names))
    is_accepted = action.kind is ActionKind.ACCEPT
    opened = _open_on(tracked, action.day)
    broke = _broke_with(run, meant, opened, action.day) if with_incident or is_accepted else []
    meant += [name for name in opened if name in broke and name not in meant]
    others = [name for name in broke if name not in meant] if is_accepted else []
    return run.store.act(run.model, meant, action, others=others, channels=run.channels, policy=run.policy)


def _meant(run: Run, name: AlertName, tracked: Sequence[TrackedAlert]) -> str:
    """Return the fingerprint of the one alert with a name."""
    meant = {alert.fingerprint: alert for alert in tracked if name.names(alert)}
    if not meant:
        raise NotFoundError(f"{run.model} has no alert {name}.", hint="list alerts with `mlmon alerts list`")
    if len(meant) > 1:
        titles = ", ".join(f"{fingerprint} ({alert.title})" for fingerprint, alert in sorted(meant.items()))
        raise ConfigError(f"{name} is ambiguous: {titles}.", hint="give more of the fingerprint")
    return next(iter(meant))


def _open_on(tracked: Sequence[TrackedAlert], day: date) -> dict[str, TrackedAlert]:
    """Return the alerts that are open since a day or before."""
    last = {alert.fingerprint: alert for alert in tracked if alert.since <= day}
    return {name: alert for name, alert in last.items() if alert.resolved_on is None}


def _broke_with(run: Run, meant: Collection[str], opened: Mapping[str, TrackedAlert], day: date) -> list[str]:
    """Return the alerts that had the same likely cause as one of the alerts on a day of its breach, open or not."""
    of_meant = [opened[name] for name in meant if name in opened]
    if not of_meant:
        return []
    breaches = run.store.alerts(run.model, min(alert.since for alert in of_meant), day)
    broke = {
        _incident(breach)
        for breach in breaches
        if breach.fingerprint in meant and breach.partition.day >= opened[breach.fingerprint].since
    }
    return list(dict.fromkeys(breach.fingerprint for breach in breaches if _incident(breach) in broke))


def _incident(breach: Alert) -> tuple[date, str]:
    return breach.partition.day, breach.cause or breach.title


def last_evaluated(run: Run) -> date:
    """Return the last evaluated day, after which an action takes effect.

    Raises:
        NotFoundError: no day has been evaluated.
    """
    last = run.store.last_evaluated_day(run.model)
    if last is None:
        raise NotFoundError(f"No day of {run.model} has been evaluated yet.")
    return last
