"""Column with the version of each model, and every model with days among the registered ones."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_TEXTS = ("task", "owner", "team", "description", "spec", "error")


def upgrade() -> None:
    """Add the column, and register the models by their days alone until they run again."""
    op.add_column("mlmon_models", sa.Column("version_column", sa.Text, nullable=False, server_default=""))
    names = ("model", "zone", "tags", *_TEXTS)
    models = sa.table("mlmon_models", *(sa.column(name) for name in names))
    days = sa.table("mlmon_partitions", sa.column("model"), sa.column("zone"))
    found = sa.select(days.c.model, sa.func.min(days.c.zone), sa.literal("[]"), *(sa.literal("") for _ in _TEXTS))
    found = found.where(days.c.model.not_in(sa.select(models.c.model))).group_by(days.c.model)
    op.execute(sa.insert(models).from_select(names, found))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("mlmon_models", "version_column")
