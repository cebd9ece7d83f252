"""Address of the log of each day, where Airflow has run it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("mlmon_partitions", sa.Column("log", sa.Text))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("mlmon_partitions", "log")
