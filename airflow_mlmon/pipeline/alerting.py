"""What people do about alerts: find one by what it is about, take it on, mute it or resolve it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from airflow_mlmon.errors import ConfigError, NotFoundError
from airflow_mlmon.pipeline.context import Run
from airflow_mlmon.records import Action, AlertState, TrackedAlert


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


def act_on_alert(run: Run, name: AlertName, action: Action) -> TrackedAlert:
    """Do something about the one alert that `name` names, and return how it stands then.

    Raises:
        ConfigError: nobody or no reason is named, a mute ends before it begins, or several alerts are meant.
        NotFoundError: no alert is.
        StateError: it is not open on that day, or the day has no night.
    """
    for what, text in (("who", action.who), ("why", action.why)):
        if not text.strip():
            raise ConfigError(f"Something is done about an alert by somebody for a reason, and {what} is empty.")
    if action.until is not None and action.until < action.day:
        raise ConfigError(f"The alert would be muted until {action.until}, before {action.day}, from which it counts.")
    run.store.follow_alerts(run.model, run.policy)
    meant = {alert.fingerprint: alert for alert in run.store.tracked_alerts(run.model) if name.names(alert)}
    if not meant:
        raise NotFoundError(f"{run.model} has no alert {name}.", hint="see `mlmon alerts list`")
    if len(meant) > 1:
        titles = ", ".join(f"{fingerprint} ({alert.title})" for fingerprint, alert in sorted(meant.items()))
        raise ConfigError(f"{name} can mean {titles}.", hint="give more of the fingerprint")
    [fingerprint] = meant
    return run.store.act(run.model, fingerprint, action, channels=run.channels, policy=run.policy)


def last_night(run: Run) -> date:
    """The last judged night, after which what people do counts.

    Raises:
        NotFoundError: none was judged.
    """
    last = run.store.last_judged_day(run.model)
    if last is None:
        raise NotFoundError(f"No night of {run.model} was judged yet.")
    return last
