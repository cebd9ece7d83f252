"""Monitoring plans, which results were made under which, and evidence bundles that were made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; under which plan earlier results were made is not known."""
    op.create_table(
        "mlmon_plans",
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("plan", sa.String(16), primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
    )
    op.create_table(
        "mlmon_result_plans",
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("family", sa.Text, primary_key=True),
        sa.Column("plan", sa.String(16), nullable=False),
        sa.ForeignKeyConstraint(["model", "day"], ["mlmon_partitions.model", "mlmon_partitions.day"]),
    )
    op.create_table(
        "mlmon_bundles",
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("first", sa.Date, nullable=False),
        sa.Column("last", sa.Date, nullable=False),
        sa.Column("head", sa.Text, nullable=False),
        sa.Column("is_held", sa.Boolean, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("who", "why")),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    for name in ("mlmon_bundles", "mlmon_result_plans", "mlmon_plans"):
        op.drop_table(name)
