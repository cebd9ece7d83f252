"""Order in which the alerts of a partition were evaluated: incidents together, the likely cause first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; earlier alerts of a partition keep the order of their names."""
    op.add_column("mlmon_alerts", sa.Column("position", sa.BigInteger, nullable=False, server_default="0"))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("mlmon_alerts", "position")
