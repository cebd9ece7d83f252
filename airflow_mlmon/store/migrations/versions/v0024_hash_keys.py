"""Id of the key with which the personal columns of each model were hashed last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what it says is known after the next run of each model."""
    op.add_column("mlmon_models", sa.Column("hash_key", sa.String(32), nullable=False, server_default=""))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("mlmon_models", "hash_key")
