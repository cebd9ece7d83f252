"""Steps: when each step of a day ran last, how long it took, and its trace."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "mlmon_steps",
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("step", sa.Text, primary_key=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("rows", sa.BigInteger),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("trace", sa.Text, nullable=False),
        sa.Column("span", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("mlmon_steps")
