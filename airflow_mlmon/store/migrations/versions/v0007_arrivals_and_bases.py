"""Typed facts of a partition instead of JSON: its arrival as columns, the versions its verdicts rest on as rows."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ARRIVAL = {
    "arrived": sa.Text,
    "arrived_message": sa.Text,
    "files": sa.BigInteger,
    "labels_delivered": sa.BigInteger,
    "delay_hours": sa.Double,
    "delay_reason": sa.Text,
}
_NOT_MEASURED = {"hours": None, "reason": "was not measured"}


def upgrade() -> None:
    """Move the facts into their columns and rows, and drop the column of JSON."""
    for name, kind in _ARRIVAL.items():
        op.add_column("mlmon_nights", sa.Column(name, kind))
    bases = op.create_table(
        "mlmon_evaluation_bases",
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("base", sa.Date, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("model", "day", "base"),
        sa.ForeignKeyConstraint(["model", "day"], ["mlmon_nights.model", "mlmon_nights.day"]),
    )
    nights = _nights()
    connection = op.get_bind()
    for night in connection.execute(sa.select(nights)).all():
        facts = json.loads(night.facts)
        if "files" in facts:
            own = sa.and_(nights.c.model == night.model, nights.c.day == night.day)
            connection.execute(sa.update(nights).where(own).values(_arrival(night, facts)))
        if rows := _bases(night, facts):
            connection.execute(sa.insert(bases), rows)
    op.drop_column("mlmon_nights", "facts")


def downgrade() -> None:
    """Restore the column of JSON, empty, as in the first records."""
    op.add_column("mlmon_nights", sa.Column("facts", sa.Text, nullable=False, server_default="{}"))
    op.drop_table("mlmon_evaluation_bases")
    for name in _ARRIVAL:
        op.drop_column("mlmon_nights", name)


def _nights() -> sa.TableClause:
    kept = ("model", "status", "version", "message", "facts")
    columns: list[sa.ColumnClause[Any]] = [sa.column(name, sa.Text) for name in kept]
    columns += [sa.column(name, kind) for name, kind in _ARRIVAL.items()]
    return sa.table("mlmon_nights", *columns, sa.column("day", sa.Date))


def _arrival(night: sa.Row[Any], facts: dict[str, Any]) -> dict[str, Any]:
    """Parse the arrival of a partition; the first records hold less of it."""
    delay = _NOT_MEASURED | facts.get("delay", {})
    return {
        "arrived": facts.get("arrived", night.status),
        "arrived_message": facts.get("message", night.message),
        "files": facts["files"],
        "labels_delivered": facts.get("labels_delivered", 0),
        "delay_hours": delay["hours"],
        "delay_reason": delay["reason"],
    }


def _bases(night: sa.Row[Any], facts: dict[str, Any]) -> list[dict[str, Any]]:
    """Parse the versions that the verdicts of a partition rest on, including its own; none if it did not store them."""
    if "rests_on" not in facts:
        return []
    found = {str(night.day): night.version, **facts["rests_on"]}
    return [
        {"model": night.model, "day": night.day, "base": date.fromisoformat(base), "version": version}
        for base, version in found.items()
    ]
