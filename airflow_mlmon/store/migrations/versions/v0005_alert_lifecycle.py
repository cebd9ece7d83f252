"""Alert lifecycle: one fingerprint per alert over all days, episodes, actions and events."""

from __future__ import annotations

import hashlib
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_COPIED = (
    "model",
    "day",
    "family",
    "fingerprint",
    "channel",
    "state",
    "attempts",
    "next_attempt_at",
    "leased_until",
    "sent_at",
    "error",
)


def upgrade() -> None:
    """Give every alert the fingerprint of its subject; existing messages become those of opened alerts."""
    fingerprints = _fingerprints_by_subject()
    _replace_outbox(fingerprints, with_events=True)
    _create_tables()
    op.create_index("mlmon_alerts_fingerprint", "mlmon_alerts", ["model", "fingerprint", "day"])
    op.create_index("mlmon_verdicts_subject", "mlmon_verdicts", ["model", "metric", "column", "segment", "day"])
    op.create_index("mlmon_verdicts_state", "mlmon_verdicts", ["model", "state", "day", "family"])


def downgrade() -> None:
    """Drop the actions, the episodes, and every message except those of opened alerts."""
    for name in ("mlmon_verdicts_state", "mlmon_verdicts_subject"):
        op.drop_index(name, "mlmon_verdicts")
    op.drop_index("mlmon_alerts_fingerprint", "mlmon_alerts")
    op.drop_table("mlmon_alert_actions")
    op.drop_table("mlmon_alert_episodes")
    op.execute(sa.text("DELETE FROM mlmon_outbox WHERE event <> 'opened'"))
    _replace_outbox({}, with_events=False)


def _fingerprints_by_subject() -> dict[tuple[str, str], str]:
    """Compute the new fingerprint of each alert, by its model and previous fingerprint."""
    columns: list[sa.ColumnClause[str]] = [
        sa.column(name) for name in ("model", "fingerprint", "metric", "column", "segment")
    ]
    rows = op.get_bind().execute(sa.select(*columns).select_from(sa.table("mlmon_alerts"))).all()
    found = {}
    for model, before, *subject in rows:
        name = "\x1f".join((model, *subject))
        found[model, before] = hashlib.sha256(name.encode()).hexdigest()[:16]
    return found


def _replace_outbox(fingerprints: dict[tuple[str, str], str], *, with_events: bool) -> None:
    """Recreate the table: its references change, and SQLite cannot drop a constraint."""
    connection = op.get_bind()
    kinds: dict[str, Any] = {
        "day": sa.Date,
        "next_attempt_at": _MOMENT,
        "leased_until": _MOMENT,
        "sent_at": _MOMENT,
        "attempts": sa.Integer,
    }
    before = sa.table("mlmon_outbox", sa.column("id"), *(sa.column(name, kinds.get(name, sa.Text)) for name in _COPIED))
    kept = connection.execute(sa.select(*(before.c[name] for name in _COPIED)).order_by(before.c.id)).mappings().all()
    op.drop_table("mlmon_outbox")
    alerts = sa.table("mlmon_alerts", sa.column("model"), sa.column("fingerprint"))
    for (model, old), new in fingerprints.items():
        named = sa.and_(alerts.c.model == model, alerts.c.fingerprint == old)
        connection.execute(sa.update(alerts).where(named).values(fingerprint=new))
    after = _create_outbox(with_events=with_events)
    rows = {}
    for row in kept:
        fingerprint = fingerprints.get((row["model"], row["fingerprint"]), row["fingerprint"])
        added = {"event": "opened", "breach": row["day"]} if with_events else {}
        rows[row["model"], row["day"], fingerprint, row["channel"]] = {**row, "fingerprint": fingerprint, **added}
    if rows:
        connection.execute(sa.insert(after), list(rows.values()))


def _create_outbox(*, with_events: bool) -> sa.Table:
    events = [_required("event"), _required("breach", sa.Date)] if with_events else []
    breach = "breach" if with_events else "day"
    once = ("day", "fingerprint", "event") if with_events else ("day", "family", "fingerprint")
    table = op.create_table(
        "mlmon_outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        _required("model"),
        _required("day", sa.Date),
        _required("family"),
        _required("fingerprint"),
        *events,
        _required("channel"),
        _required("state"),
        _required("attempts", sa.Integer),
        sa.Column("next_attempt_at", _MOMENT),
        sa.Column("leased_until", _MOMENT),
        sa.Column("sent_at", _MOMENT),
        _required("error"),
        sa.UniqueConstraint("model", *once, "channel", name=f"mlmon_outbox_{'event_' if with_events else ''}once"),
        sa.ForeignKeyConstraint(
            ["model", breach, "family", "fingerprint"],
            [f"mlmon_alerts.{name}" for name in ("model", "day", "family", "fingerprint")],
        ),
    )
    op.create_index("mlmon_outbox_state", "mlmon_outbox", ["state", "model", "day"])
    if with_events:
        op.create_index("mlmon_outbox_fingerprint", "mlmon_outbox", ["model", "fingerprint"])
    return table


def _create_tables() -> None:
    subject = ("metric", "column", "segment")
    op.create_table(
        "mlmon_alert_episodes",
        _required("model"),
        _required("fingerprint"),
        _required("since", sa.Date),
        *map(_required, (*subject, "state", "severity")),
        _required("opened", sa.Date),
        _required("last_breached", sa.Date),
        _required("nights", sa.Integer),
        _required("reopens", sa.Boolean),
        sa.Column("worsened_on", sa.Date),
        sa.Column("acknowledged_on", sa.Date),
        _required("acknowledged_by"),
        sa.Column("muted_until", sa.Date),
        sa.Column("resolved_on", sa.Date),
        _required("resolved_by"),
        sa.Column("settled_on", sa.Date),
        sa.PrimaryKeyConstraint("model", "fingerprint", "since"),
    )
    op.create_table(
        "mlmon_alert_actions",
        _required("model"),
        _required("number", sa.Integer),
        *map(_required, ("fingerprint", *subject, "kind")),
        _required("day", sa.Date),
        sa.Column("until", sa.Date),
        _required("who"),
        _required("why"),
        _required("at", _MOMENT),
        sa.PrimaryKeyConstraint("model", "number"),
    )


def _required(name: str, kind: Any = sa.Text) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)
