"""Part of the metric store that keeps which morning messages were sent, and what they said.

A message of an owner, on a channel and of a day, is claimed before it is sent and marked after the reply: if its sender
dies in between, the claim runs out and it is sent again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from airflow_mlmon.store import schema
from airflow_mlmon.store.columns import PlainText, UtcDateTime, key_column
from airflow_mlmon.store.database import Database
from airflow_mlmon.store.outbox import ERROR_LENGTH, LEASE, MAX_ATTEMPTS
from airflow_mlmon.store.rows import is_of
from airflow_mlmon.store.schema import DeliveryState

_KEPT = timedelta(days=30)

digests = sa.Table(
    "mlmon_digests",
    schema.metadata,
    # of the owner, whose name may be too long for a key
    key_column("fingerprint"),
    key_column("channel"),
    key_column("day", sa.Date),
    sa.Column("owner", PlainText, nullable=False),
    sa.Column("state", PlainText, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("leased_until", UtcDateTime),
    sa.Column("sent_at", UtcDateTime),
    sa.Column("told", PlainText, nullable=False),
    sa.Column("error", PlainText, nullable=False),
)


class DigestStore:
    """Morning messages of a database."""

    _database: Database

    def claim_digest(self, owner: str, channel: str, day: date, now: datetime) -> bool:
        """Claim the message of a day; return False if it was sent, is being sent, or has failed too often."""
        key = _key(owner, channel, day)
        with self._database.writing("digests") as connection:
            row = connection.execute(sa.select(digests).where(is_of(digests, key))).first()
            if row is None:
                fresh = {"state": DeliveryState.PENDING.value, "sent_at": None, "told": "{}", "error": ""}
                values = {**key, "owner": owner, "attempts": 1, "leased_until": now + LEASE, **fresh}
                connection.execute(sa.insert(digests).values(values))
                return True
            is_leased = row.leased_until is not None and row.leased_until > now
            if row.state != DeliveryState.PENDING or is_leased or row.attempts >= MAX_ATTEMPTS:
                return False
            claimed = {"attempts": row.attempts + 1, "leased_until": now + LEASE}
            connection.execute(sa.update(digests).where(is_of(digests, key)).values(claimed))
            return True

    def finish_digest(self, owner: str, channel: str, day: date, told: Mapping[str, str], now: datetime) -> None:
        """Record that the message of a day arrived, with what it told by key; those of long ago are deleted."""
        key = _key(owner, channel, day)
        values = {"state": DeliveryState.SENT.value, "sent_at": now, "leased_until": None, "error": ""}
        with self._database.writing("digests") as connection:
            stored = {**values, "told": json.dumps(dict(told))}
            connection.execute(sa.update(digests).where(is_of(digests, key)).values(stored))
            of_channel = {name: value for name, value in key.items() if name != "day"}
            old = sa.and_(is_of(digests, of_channel), digests.c.day < day - _KEPT)
            connection.execute(sa.delete(digests).where(old))

    def fail_digest(self, owner: str, channel: str, day: date, error: str) -> None:
        """Record that the message of a day did not arrive; it may be claimed again."""
        values = {"leased_until": None, "error": error[:ERROR_LENGTH]}
        with self._database.writing("digests") as connection:
            connection.execute(sa.update(digests).where(is_of(digests, _key(owner, channel, day))).values(values))

    def last_digest(self, owner: str, channel: str) -> dict[str, str]:
        """Read what the last message that arrived told, by key; empty if there was none."""
        of_channel = {name: value for name, value in _key(owner, channel).items() if value is not None}
        sent = sa.and_(is_of(digests, of_channel), digests.c.state == DeliveryState.SENT.value)
        query = sa.select(digests.c.told).where(sent).order_by(digests.c.day.desc()).limit(1)
        with self._database.reading() as connection:
            told = connection.scalar(query)
        return {} if told is None else dict(json.loads(told))


def _key(owner: str, channel: str, day: date | None = None) -> dict[str, Any]:
    named = hashlib.sha256(owner.encode("utf-8", "replace")).hexdigest()[:16]
    return {"fingerprint": named, "channel": channel, "day": day}
