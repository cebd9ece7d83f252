"""Lifecycle of each alert in the store, and its pending notifications.

Both follow from the stored results, the actions of people and the policy of the spec; so they are recomputed
whenever one of these changes, in the same transaction, and a rerun changes nothing. Every function works inside
the transaction of its caller.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import sqlalchemy as sa

from airflow_mlmon.errors import NotFoundError, StateError
from airflow_mlmon.lifecycle.notification import Notification, Notified, to_notify, to_withdraw
from airflow_mlmon.lifecycle.states import Episode, Lifecycle, Policy, fold
from airflow_mlmon.lifecycle.tracked import TrackedAlert
from airflow_mlmon.partition import Partition
from airflow_mlmon.records import Action, ActionKind, Alert, AlertEvent, AlertLifecycle, AlertState, Family
from airflow_mlmon.store import schema
from airflow_mlmon.store.actions import actions_on, add_action
from airflow_mlmon.store.outbox import FRESH
from airflow_mlmon.store.rows import Row, episode_of, episode_rows, is_of, tracked_of
from airflow_mlmon.store.schema import BreachState, DeliveryState
from airflow_mlmon.store.sightings import Sightings, alerts_touched, sightings_of

Published = Collection[tuple[Partition, Family]]

_outbox = schema.outbox
_STATE_AFTER = {
    AlertEvent.OPENED: AlertState.OPEN,
    AlertEvent.REOPENED: AlertState.REOPENED,
    AlertEvent.WORSENED: AlertState.OPEN,
    AlertEvent.RESOLVED: AlertState.RESOLVED,
}


def follow(connection: sa.Connection, published: Published, channels: Sequence[str], policy: Policy) -> None:
    """Update every alert that the published results can have changed."""
    for model in sorted({partition.model for partition, _ in published}):
        of_model = [(partition.day, family) for partition, family in published if partition.model == model]
        names = alerts_touched(connection, model, [day for day, _ in of_model])
        _Following(connection, model, channels, policy).follow(names, of_model)


def follow_all(connection: sa.Connection, model: str, policy: Policy) -> None:
    """Recompute the lifecycle of every alert of a model, without notifications."""
    table = schema.alerts
    names = set(connection.scalars(sa.select(table.c.fingerprint).where(table.c.model == model).distinct()))
    _Following(connection, model, (), policy).follow(names)


def follow_again(connection: sa.Connection, model: str, names: Collection[str], policy: Policy) -> None:
    """Recompute the lifecycle of some alerts after results were removed, without notifications.

    What is no longer true and was not sent is withdrawn; an alert without a breach is gone.
    """
    for name in names:
        table = schema.episodes
        connection.execute(sa.delete(table).where(is_of(table, {"model": model, "fingerprint": name})))
    _Following(connection, model, (), policy).follow(names)


def record_action(
    connection: sa.Connection,
    model: str,
    fingerprint: str,
    action: Action,
    *,
    channels: Sequence[str],
    policy: Policy,
) -> TrackedAlert:
    """Record an action on an alert, and update its lifecycle.

    Raises:
        NotFoundError: the alert does not exist.
        StateError: the day was not run, or the alert was not open on it.
    """
    following = _Following(connection, model, channels, policy)
    following.follow({fingerprint})
    days = schema.partitions
    if connection.scalar(sa.select(days.c.day).where(days.c.model == model, days.c.day == action.day)) is None:
        raise StateError(f"Model {model} has no run of {action.day}.", hint="use a day that was run")
    found = tracked(connection, model, [fingerprint])
    if not found:
        raise NotFoundError(f"Model {model} has no alert {fingerprint}.", hint="see `mlmon alerts list`")
    last = found[-1]
    if action.kind is not ActionKind.MUTE and last.resolved_on is not None:
        raise StateError(
            f"{last.title}: the alert is no longer open; it was open from {last.since} to {last.resolved_on}."
        )
    if action.kind is not ActionKind.MUTE and action.day < last.since:
        raise StateError(f"{last.title}: the alert was not open yet on {action.day}; it is open since {last.since}.")
    key = {"model": model, "fingerprint": fingerprint, "metric": last.metric}
    add_action(connection, {**key, "column": last.column or "", "segment": last.segment or ""}, action)
    following.follow({fingerprint})
    return tracked(connection, model, [fingerprint])[-1]


def record_aside(
    connection: sa.Connection, model: str, fingerprints: Collection[str], action: Action, policy: Policy
) -> None:
    """Record an action on alerts that have breached and are not open, and update their lifecycle."""
    for fingerprint in fingerprints:
        breach = next(_named(connection, schema.alerts, model, [fingerprint]))
        subject = {name: getattr(breach, name) for name in ("metric", "column", "segment")}
        add_action(connection, {"model": model, "fingerprint": fingerprint, **subject}, action)
    _Following(connection, model, (), policy).follow(fingerprints)


def tracked(connection: sa.Connection, model: str, fingerprints: Collection[str] | None = None) -> list[TrackedAlert]:
    """Read the episodes of a model's alerts, in the order of their days."""
    table = schema.episodes
    query = tracked_query().where(table.c.model == model)
    if fingerprints is not None:
        query = query.where(table.c.fingerprint.in_(sorted(fingerprints)))
    return [tracked_of(row) for row in connection.execute(query)]


def tracked_query() -> sa.Select[Any]:
    """Return the query of episodes, each with the texts of its last breach, in the order of their days."""
    table, alerts = schema.episodes, schema.alerts
    same = sa.and_(
        *(alerts.c[name] == table.c[name] for name in ("model", "fingerprint")), alerts.c.day == table.c.last_breached
    )
    words = [alerts.c[name] for name in ("title", "text", "cause", "value")]
    order = (table.c[name] for name in ("since", "model", "metric", "column", "segment"))
    return sa.select(table, *words).join(alerts, same).order_by(*order)


def with_lifecycle(connection: sa.Connection, alerts: Sequence[tuple[Alert, AlertEvent | None]]) -> list[Alert]:
    """Add the state to each alert: the current one or, in a message, the one right after its event."""
    episodes: dict[tuple[str, str], list[Episode]] = defaultdict(list)
    breaches: dict[tuple[str, str], list[date]] = defaultdict(list)
    for model in {alert.partition.model for alert, _ in alerts}:
        names = sorted({alert.fingerprint for alert, _ in alerts if alert.partition.model == model})
        for row in _named(connection, schema.episodes, model, names):
            episodes[model, row.fingerprint].append(episode_of(row))
        for row in _named(connection, schema.alerts, model, names):
            if row.state == BreachState.OPEN:
                breaches[model, row.fingerprint].append(row.day)
    found = []
    for alert, event in alerts:
        key = (alert.partition.model, alert.fingerprint)
        found.append(replace(alert, lifecycle=_lifecycle(alert.partition.day, episodes[key], breaches[key], event)))
    return found


def _named(connection: sa.Connection, table: sa.Table, model: str, names: Sequence[str]) -> Iterator[sa.Row[Any]]:
    """Yield the rows of alerts, in the order of their days."""
    day = table.c.since if table is schema.episodes else table.c.day
    query = sa.select(table).where(table.c.model == model, table.c.fingerprint.in_(names))
    yield from connection.execute(query.order_by(day))


def _lifecycle(
    day: date, episodes: Sequence[Episode], breaches: Sequence[date], event: AlertEvent | None
) -> AlertLifecycle:
    episode = Lifecycle(episodes=tuple(episodes)).episode_of(day)
    if episode is None:
        # not enough days yet, or a breach that was notified and no longer holds
        state = AlertState.RESOLVED if event is AlertEvent.RESOLVED else AlertState.PENDING
        return AlertLifecycle(state=state, since=day, days=1, event=event)
    return AlertLifecycle(
        state=episode.state if event is None else _STATE_AFTER[event],
        since=episode.since,
        days=len({breach for breach in breaches if episode.since <= breach <= day}),
        event=event,
        resolved_on=episode.resolved_on if event in {None, AlertEvent.RESOLVED} else None,
        muted_until=episode.muted_until,
    )


@dataclass(frozen=True, slots=True)
class _Following:
    """Update of the alerts of one model, in one transaction."""

    connection: sa.Connection
    model: str
    channels: Sequence[str]
    policy: Policy

    def follow(self, names: Collection[str], published: Collection[tuple[date, Family]] = ()) -> None:
        seen = sightings_of(self.connection, self.model, names)
        actions = actions_on(self.connection, self.model, names)
        told = _told(self.connection, self.model, names)
        for name in sorted(seen):
            lifecycle = fold(seen[name].by_day, actions.get(name, ()), self.policy)
            _replace_episodes(self.connection, self.model, name, seen[name], lifecycle)
            families = set(seen[name].families.values())
            days = {day for day, family in published if family in families}
            for channel in sorted({*self.channels, *told[name]}):
                rows = told[name].get(channel, [])
                gone = to_withdraw(lifecycle, rows)
                _withdraw(self.connection, gone)
                if channel in self.channels:
                    for notification in to_notify(lifecycle, [row for row in rows if row not in gone], days):
                        self._queue(name, channel, notification, seen[name])

    def _queue(self, name: str, channel: str, notification: Notification, seen: Sightings) -> None:
        key = {
            "model": self.model,
            "day": notification.day,
            "fingerprint": name,
            "event": notification.event.value,
            "channel": channel,
        }
        # a notification that is sent again gets a new number: the numbers give the order of the notifications
        self.connection.execute(sa.delete(_outbox).where(is_of(_outbox, key)))
        family = seen.families.get(notification.breach) or _family_of(
            self.connection, self.model, name, notification.breach
        )
        row = {**key, **FRESH, "breach": notification.breach, "family": family}
        self.connection.execute(sa.insert(_outbox).values(row))


def _replace_episodes(connection: sa.Connection, model: str, name: str, seen: Sightings, lifecycle: Lifecycle) -> None:
    table, key = schema.episodes, {"model": model, "fingerprint": name}
    connection.execute(sa.delete(table).where(is_of(table, key)))
    if rows := episode_rows({**key, **_subject(seen)}, lifecycle):
        connection.execute(sa.insert(table), rows)


def _subject(seen: Sightings) -> Row:
    return dict(zip(("metric", "column", "segment"), seen.subject, strict=True))


def _told(connection: sa.Connection, model: str, names: Collection[str]) -> Mapping[str, dict[str, list[Notified]]]:
    """Read the notifications of each alert on each channel, oldest first, without withdrawn ones."""
    kept = _outbox.c.state != DeliveryState.WITHDRAWN.value
    found: dict[str, dict[str, list[Notified]]] = defaultdict(dict)
    ordered = sorted(names)
    query = sa.select(_outbox).where(_outbox.c.model == model, _outbox.c.fingerprint.in_(ordered), kept)
    for row in connection.execute(query.order_by(_outbox.c.id)):
        # a claimed notification may have arrived already
        is_out = row.state != DeliveryState.PENDING or row.leased_until is not None
        told = Notified(id=row.id, event=AlertEvent(row.event), day=row.day, breach=row.breach, is_out=is_out)
        found[row.fingerprint].setdefault(row.channel, []).append(told)
    return found


def _withdraw(connection: sa.Connection, rows: Sequence[Notified]) -> None:
    if rows:
        of_rows = _outbox.c.id.in_([row.id for row in rows])
        connection.execute(sa.update(_outbox).where(of_rows).values(state=DeliveryState.WITHDRAWN.value))


def _family_of(connection: sa.Connection, model: str, name: str, day: date) -> str:
    """Find the family of the result that breached on that day, even if it no longer does."""
    table = schema.alerts
    named = is_of(table, {"model": model, "fingerprint": name, "day": day})
    return str(connection.scalar(sa.select(table.c.family).where(named).order_by(table.c.family).limit(1)))
