"""The fingerprint of what a profile schema was pinned from, which was one fact of a JSON document."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_LAYOUTS = sa.table("mlmon_layouts", *(sa.column(name) for name in ("model", "number", "facts", "fingerprint")))


def upgrade() -> None:
    """Move the fingerprint into a column, and drop the document."""
    op.add_column("mlmon_layouts", sa.Column("fingerprint", sa.Text, nullable=False, server_default=""))
    connection = op.get_bind()
    for row in connection.execute(sa.select(_LAYOUTS)).all():
        own = sa.and_(_LAYOUTS.c.model == row.model, _LAYOUTS.c.number == row.number)
        fingerprint = json.loads(row.facts)["fingerprint"]
        connection.execute(sa.update(_LAYOUTS).where(own).values(fingerprint=fingerprint))
    op.drop_column("mlmon_layouts", "facts")


def downgrade() -> None:
    """Put the document back."""
    op.add_column("mlmon_layouts", sa.Column("facts", sa.Text, nullable=False, server_default="{}"))
    connection = op.get_bind()
    for row in connection.execute(sa.select(_LAYOUTS)).all():
        own = sa.and_(_LAYOUTS.c.model == row.model, _LAYOUTS.c.number == row.number)
        facts = json.dumps({"fingerprint": row.fingerprint})
        connection.execute(sa.update(_LAYOUTS).where(own).values(facts=facts))
    op.drop_column("mlmon_layouts", "fingerprint")
