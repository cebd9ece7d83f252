"""Index of the metrics of all rows: a history of one metric no longer passes over all columns of each day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_OF_ALL = sa.text("\"column\" = '' AND segment = ''")


def upgrade() -> None:
    """Create the index."""
    op.create_index(
        "mlmon_metrics_of_all",
        "mlmon_metrics",
        ["model", "metric", "day"],
        sqlite_where=_OF_ALL,
        postgresql_where=_OF_ALL,
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_index("mlmon_metrics_of_all", "mlmon_metrics")
