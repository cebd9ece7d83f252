"""Tables of the metric store that are kept for evidence; columns of keys are as in the other tables."""

from __future__ import annotations

import sqlalchemy as sa

from airflow_mlmon.store import schema
from airflow_mlmon.store.columns import PlainText, UtcDateTime

_MODEL, _FAMILY = schema.partitions.c.model.type, schema.metrics.c.family.type
_PLAN = sa.String(16)

plans = sa.Table(
    "mlmon_plans",
    schema.metadata,
    sa.Column("model", _MODEL, primary_key=True),
    sa.Column("plan", _PLAN, primary_key=True),
    sa.Column("content", PlainText, nullable=False),
)

result_plans = sa.Table(
    "mlmon_result_plans",
    schema.metadata,
    sa.Column("model", _MODEL, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("family", _FAMILY, primary_key=True),
    sa.Column("plan", _PLAN, nullable=False),
    sa.ForeignKeyConstraint(["model", "day"], [schema.partitions.c.model, schema.partitions.c.day]),
)

bundles = sa.Table(
    "mlmon_bundles",
    schema.metadata,
    sa.Column("model", _MODEL, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("first", sa.Date, nullable=False),
    sa.Column("last", sa.Date, nullable=False),
    sa.Column("head", PlainText, nullable=False),
    sa.Column("is_held", sa.Boolean, nullable=False),
    *(sa.Column(name, PlainText, nullable=False) for name in ("who", "why")),
    sa.Column("at", UtcDateTime, nullable=False),
)
