"""The listing that a delivery of labels was read from, so that one that has changed is found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; that of deliveries of before is unknown."""
    op.add_column("mlmon_deliveries", sa.Column("listing", sa.Text, nullable=False, server_default=""))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("mlmon_deliveries", "listing")
