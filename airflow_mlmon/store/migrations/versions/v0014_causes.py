"""The causes of a partition's status; those of before have none."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("mlmon_partitions", sa.Column("causes", sa.Text))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("mlmon_partitions", "causes")
