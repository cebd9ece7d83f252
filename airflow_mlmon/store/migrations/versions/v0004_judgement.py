"""Evidence of a verdict and cause of an alert: p-value, effect size, expected value, likely cause."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_NUMBERS = ("p_value", "effect")


def upgrade() -> None:
    """Add the columns; they are empty for earlier verdicts and alerts."""
    for table in ("mlmon_verdicts", "mlmon_alerts"):
        for name in _NUMBERS:
            op.add_column(table, sa.Column(name, sa.Double))
    op.add_column("mlmon_verdicts", sa.Column("usual", sa.Double))
    op.add_column("mlmon_alerts", sa.Column("cause", sa.Text, nullable=False, server_default=""))


def downgrade() -> None:
    """Drop the columns."""
    op.drop_column("mlmon_alerts", "cause")
    op.drop_column("mlmon_verdicts", "usual")
    for table in ("mlmon_verdicts", "mlmon_alerts"):
        for name in _NUMBERS:
            op.drop_column(table, name)
