"""Baselines that a partition was compared with, and the days whose baselines are in a file of the workspace."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; evaluations of earlier releases are in files, which are imported once."""
    op.create_table(
        "mlmon_compared_with",
        *_of_day(),
        sa.Column("family", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("columns", sa.Text, nullable=False),
        sa.Column("asked", sa.Integer, nullable=False),
        sa.Column("needed", sa.Integer, nullable=False),
        sa.Column("days", sa.Text, nullable=False),
        sa.Column("other_layout", sa.Integer, nullable=False),
        sa.Column("pin", sa.Integer),
        sa.PrimaryKeyConstraint("model", "day", "family", "position"),
        _to_night(),
    )
    op.create_table("mlmon_drift_files", *_of_day(), sa.PrimaryKeyConstraint("model", "day"), _to_night())
    op.execute(
        sa.text(
            "INSERT INTO mlmon_drift_files (model, day)"
            " SELECT model, day FROM mlmon_nights WHERE judged AND version IS NOT NULL"
        )
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("mlmon_drift_files")
    op.drop_table("mlmon_compared_with")


def _of_day() -> tuple[sa.Column[str], sa.Column[object]]:
    return sa.Column("model", sa.Text, nullable=False), sa.Column("day", sa.Date, nullable=False)


def _to_night() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["model", "day"], ["mlmon_nights.model", "mlmon_nights.day"])
