"""Releases that brought the store to a schema, so that an earlier one can say which to install."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "mlmon_releases",
        sa.Column("revision", sa.String(32), primary_key=True),
        sa.Column("release", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("mlmon_releases")
