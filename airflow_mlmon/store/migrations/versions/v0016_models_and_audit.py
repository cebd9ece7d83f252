"""Models that are monitored, and the audit trail of what people did to their days."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "mlmon_models",
        sa.Column("model", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("task", "owner", "team", "tags", "description")),
        sa.Column("start", sa.Date),
        sa.Column("end", sa.Date),
        sa.Column("zone", sa.Text, nullable=False, server_default="UTC"),
        sa.Column("spec", sa.Text, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
    )
    op.create_table(
        "mlmon_audit",
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("who", "why", "detail")),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("mlmon_audit")
    op.drop_table("mlmon_models")
