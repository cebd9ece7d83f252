"""The zone whose day a partition is; those of before are days in UTC."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_TABLES = ("mlmon_partitions", "mlmon_deliveries")


def upgrade() -> None:
    """Add the column."""
    for name in _TABLES:
        op.add_column(name, sa.Column("zone", sa.Text, nullable=False, server_default="UTC"))


def downgrade() -> None:
    """Drop it."""
    for name in _TABLES:
        op.drop_column(name, "zone")
