"""Values, verdicts and alerts of segments, beside those of all rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_KEY = ("model", "day", "family", "metric", "column")
_VALUES = ("value", "rows", "detail")


def upgrade() -> None:
    """Add the column; existing rows are about all rows."""
    _replace_metrics(segmented=True)
    for table in ("mlmon_verdicts", "mlmon_alerts"):
        op.add_column(table, sa.Column("segment", sa.Text, nullable=False, server_default=""))


def downgrade() -> None:
    """Drop the column, and the values of segments with it."""
    for table in ("mlmon_verdicts", "mlmon_alerts"):
        op.execute(sa.text(f"DELETE FROM {table} WHERE segment <> ''"))  # noqa: S608 - constants
        op.drop_column(table, "segment")
    _replace_metrics(segmented=False)


def _replace_metrics(*, segmented: bool) -> None:
    """Recreate the table: SQLite cannot change a primary key."""
    key = (*_KEY, "segment") if segmented else _KEY
    op.rename_table("mlmon_metrics", "mlmon_metrics_before")
    op.create_table(
        "mlmon_metrics",
        *(sa.Column(name, sa.Date if name == "day" else sa.Text, nullable=False) for name in key),
        sa.Column("value", sa.Double),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint(*key, name=f"mlmon_metrics_{'segment' if segmented else 'column'}_key"),
        sa.ForeignKeyConstraint(["model", "day"], ["mlmon_nights.model", "mlmon_nights.day"]),
    )
    kept = ", ".join(f'"{name}"' for name in (*_KEY, *_VALUES))
    added, empty = (', "segment"', ", ''") if segmented else ("", "")
    whole = "" if segmented else " WHERE segment = ''"
    op.execute(
        sa.text(f"INSERT INTO mlmon_metrics ({kept}{added}) SELECT {kept}{empty} FROM mlmon_metrics_before{whole}")  # noqa: S608 - constants
    )
    op.drop_table("mlmon_metrics_before")
