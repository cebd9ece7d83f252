"""Outbox of notifications: at-least-once delivery, with leases, back-off and dead letters.

A row is claimed before it is sent and marked after the reply. If a sender dies in between, its lease expires and the
row is claimed again. Notifications of an alert on a channel keep their order: whoever gets the end before the
beginning believes that the alert is open. Every function works inside the transaction of its caller, and the clock is
an argument.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from airflow_mlmon.partition import Partition
from airflow_mlmon.records import Alert, AlertEvent, PartitionState
from airflow_mlmon.store import schema
from airflow_mlmon.store.rows import alert_of, partition_of
from airflow_mlmon.store.schema import DeliveryState

LEASE = timedelta(minutes=15)
MAX_ATTEMPTS = 8
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)
ERROR_LENGTH = 500

_outbox = schema.outbox
_PENDING = DeliveryState.PENDING.value
FRESH = {
    "state": _PENDING,
    "attempts": 0,
    "next_attempt_at": None,
    "leased_until": None,
    "sent_at": None,
    "error": "",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Event of an alert to be sent on a channel, reserved for the claimant.

    Attributes:
        id: Position in the outbox.
        channel: Name of the channel.
        attempts: Number of claims, including this one.
        event: Event to notify of.
        alert: Breach that it is about.
        day: Day of its message; for a resolved alert, the day on which it resolved.
    """

    id: int
    channel: str
    attempts: int
    event: AlertEvent
    alert: Alert
    state: PartitionState


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """Alert that could not be sent on a channel, and the error; a waiting one is retried automatically."""

    id: int
    channel: str
    attempts: int
    event: AlertEvent
    day: date
    alert: Alert
    error: str
    waits: bool = False


def claim(connection: sa.Connection, limit: int, now: datetime, model: str | None) -> list[Claim]:
    """Claim the alerts of up to `limit` messages: pairs of a day and a channel, oldest first."""
    _bury_the_abandoned(connection, now)
    due = sa.and_(_due(now), sa.not_(_is_held_back(now)))
    if model is not None:
        due = sa.and_(due, _outbox.c.model == model)
    group = (_outbox.c.model, _outbox.c.day, _outbox.c.channel)
    first = sa.select(*group).where(due).group_by(*group).order_by(_outbox.c.day, *group).limit(limit).subquery()
    of_first = sa.and_(*(column == first.c[column.name] for column in group))
    wanted = connection.scalars(sa.select(_outbox.c.id).join(first, of_first).where(due)).all()
    # still due: another sender may have been faster
    free = sa.select(_outbox.c.id).where(_outbox.c.id.in_(wanted), _due(now)).with_for_update()
    ids = connection.scalars(free).all()
    reserved = {"leased_until": now + LEASE, "attempts": _outbox.c.attempts + 1}
    connection.execute(sa.update(_outbox).where(_outbox.c.id.in_(ids)).values(reserved))
    query = _with_alerts().where(_outbox.c.id.in_(ids))
    return [
        Claim(
            id=row.outbox_id,
            channel=row.channel,
            attempts=row.attempts,
            event=AlertEvent(row.event),
            alert=_alert_of(row),
            state=partition_of(row),
        )
        for row in connection.execute(query)
    ]


def mark_sent(connection: sa.Connection, ids: Sequence[int], now: datetime) -> None:
    """Record that the receiver has confirmed the rows."""
    values = {"state": DeliveryState.SENT.value, "sent_at": now, "leased_until": None, "error": ""}
    connection.execute(sa.update(_outbox).where(_outbox.c.id.in_(ids)).values(values))


def mark_failed(connection: sa.Connection, ids: Sequence[int], error: str, now: datetime) -> None:
    """Record a failed attempt: it is retried after a doubling pause, or becomes a dead letter."""
    # another sender may have succeeded in the meantime: a sent row stays sent
    rows = connection.execute(
        sa.select(_outbox.c.id, _outbox.c.attempts).where(_outbox.c.id.in_(ids), _outbox.c.state == _PENDING)
    ).all()
    for row in rows:
        values: dict[str, Any] = {"error": error[:ERROR_LENGTH], "leased_until": None}
        if row.attempts >= MAX_ATTEMPTS:
            values["state"] = DeliveryState.DEAD.value
        else:
            values["next_attempt_at"] = now + wait_after(row.attempts)
        still_pending = sa.and_(_outbox.c.id == row.id, _outbox.c.state == _PENDING)
        connection.execute(sa.update(_outbox).where(still_pending).values(values))


def dead_letters(connection: sa.Connection, model: str | None, *, with_waiting: bool = False) -> list[DeadLetter]:
    """List the undelivered alerts, oldest first, and on request those with a failed attempt."""
    is_dead = _outbox.c.state == DeliveryState.DEAD.value
    waits = sa.and_(_outbox.c.state == _PENDING, _outbox.c.error != "")
    query = _with_alerts().where(sa.or_(is_dead, waits) if with_waiting else is_dead)
    if model is not None:
        query = query.where(_outbox.c.model == model)
    return [
        DeadLetter(
            id=row.outbox_id,
            channel=row.channel,
            attempts=row.attempts,
            event=AlertEvent(row.event),
            day=row.day,
            alert=_alert_of(row),
            error=row.outbox_error,
            waits=row.outbox_state == _PENDING,
        )
        for row in connection.execute(query)
    ]


def retry(connection: sa.Connection, model: str) -> int:
    """Reset the attempts of every dead letter of a model, and return their number.

    The last notification of such an alert since then is sent again after it, because it holds.
    """
    dead = sa.and_(_outbox.c.model == model, _outbox.c.state == DeliveryState.DEAD.value)
    before, after = _outbox.alias("before"), _outbox.alias("after")
    told_since = sa.and_(
        _outbox.c.model == model,
        _outbox.c.state == DeliveryState.SENT.value,
        sa.exists().where(
            _of_one_alert(before), before.c.id < _outbox.c.id, before.c.state == DeliveryState.DEAD.value
        ),
        ~sa.exists().where(_of_one_alert(after), after.c.id > _outbox.c.id, after.c.state == DeliveryState.SENT.value),
    )
    # MySQL does not update a table that the condition reads
    again = connection.scalars(sa.select(_outbox.c.id).where(told_since)).all()
    connection.execute(sa.update(_outbox).where(_outbox.c.id.in_(again)).values(FRESH))
    return connection.execute(sa.update(_outbox).where(dead).values(FRESH)).rowcount


def wait_after(attempts: int) -> timedelta:
    """Compute the pause after a number of failed attempts: one minute, doubled each time, six hours at most.

    >>> wait_after(3)
    datetime.timedelta(seconds=240)
    """
    return min(FIRST_WAIT * float(2 ** (attempts - 1)), LONGEST_WAIT)


def _due(now: datetime, rows: sa.FromClause = _outbox) -> sa.ColumnElement[bool]:
    # a longer pause than any was set by a clock that is ahead of ours
    waits, leased = rows.c.next_attempt_at, rows.c.leased_until
    return sa.and_(
        rows.c.state == _PENDING,
        sa.or_(waits.is_(None), waits <= now, waits > now + LONGEST_WAIT),
        sa.or_(leased.is_(None), leased <= now),
    )


def _is_held_back(now: datetime) -> sa.ColumnElement[bool]:
    """Write the condition that an earlier notification of the alert is in flight or waits for its next attempt."""
    before = _outbox.alias("before")
    undelivered = sa.and_(before.c.state == _PENDING, sa.not_(_due(now, before)))
    return sa.exists().where(_of_one_alert(before), before.c.id < _outbox.c.id, undelivered)


def _of_one_alert(rows: sa.FromClause) -> sa.ColumnElement[bool]:
    """Write the condition that the rows are about the alert and the channel of the outbox's row."""
    return sa.and_(*(rows.c[name] == _outbox.c[name] for name in ("model", "channel", "fingerprint")))


def _bury_the_abandoned(connection: sa.Connection, now: datetime) -> None:
    """Give up rows that killed their sender as often as they may be tried."""
    abandoned = sa.and_(_due(now), _outbox.c.attempts >= MAX_ATTEMPTS)
    error = "the sender stopped before the reply came"
    values = {"state": DeliveryState.DEAD.value, "leased_until": None, "error": error}
    connection.execute(sa.update(_outbox).where(abandoned).values(values))


def _with_alerts() -> sa.Select[Any]:
    alerts, days = schema.alerts, schema.partitions
    breaches = days.alias("breach_days")
    alert_columns = [column for column in alerts.c if column.name not in {"model", "day"}]
    of_breach = sa.and_(
        alerts.c.day == _outbox.c.breach,
        *(_outbox.c[name] == alerts.c[name] for name in ("model", "family", "fingerprint")),
    )
    return (
        sa.select(
            _outbox.c.id.label("outbox_id"),
            _outbox.c.error.label("outbox_error"),
            _outbox.c.state.label("outbox_state"),
            _outbox.c.channel,
            _outbox.c.attempts,
            _outbox.c.event,
            breaches.c.start.label("breach_start"),
            breaches.c.end.label("breach_end"),
            *alert_columns,
            *days.c,
        )
        .join_from(_outbox, alerts, of_breach)
        .join(days, sa.and_(_outbox.c.model == days.c.model, _outbox.c.day == days.c.day))
        .join(breaches, sa.and_(alerts.c.model == breaches.c.model, alerts.c.day == breaches.c.day))
        .order_by(
            *(_outbox.c[name] for name in ("day", "model", "channel")),
            *(alerts.c.family.desc(), alerts.c.position, _outbox.c.id),
        )
    )


def _alert_of(row: sa.Row[Any]) -> Alert:
    """Build the alert of the breach, whose day may differ from that of the message."""
    return replace(alert_of(row), partition=Partition(row.model, row.breach_start, row.breach_end, row.zone))
