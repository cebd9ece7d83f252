"""The interval of a metric's value, and what a constant prediction would score."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_ADDED = ("low", "high", "constant")


def upgrade() -> None:
    """Add the columns; values of before have neither."""
    for name in _ADDED:
        op.add_column("mlmon_metrics", sa.Column(name, sa.Double))


def downgrade() -> None:
    """Drop them."""
    for name in _ADDED:
        op.drop_column("mlmon_metrics", name)
