"""Names of tables, columns and metrics in the field's words."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TABLES = {"mlmon_nights": "mlmon_partitions", "mlmon_layouts": "mlmon_profile_schemas"}
# by the new names of the tables
_COLUMNS = {
    "mlmon_partitions": {
        "layout": "schema",
        "rows_listed": "rows_read",
        "rows_curated": "rows_accepted",
        "judged": "evaluated",
    },
    "mlmon_profile_schemas": {"layout": "schema"},
    "mlmon_compared_with": {"other_layout": "other_schema"},
    "mlmon_verdicts": {"usual": "expected"},
    "mlmon_alert_episodes": {"nights": "days"},
}
_METRICS = {
    "label_share": "label_coverage",
    "null_share": "null_rate",
    "positive_share": "positive_rate",
    "predicted_positive_share": "predicted_positive_rate",
    "unseen_share": "new_category_rate",
    "void_share": "excluded_share",
}


def upgrade() -> None:
    """Rename tables, columns and metrics; alerts on renamed metrics get the fingerprints of their new names."""
    for old, new in _TABLES.items():
        op.rename_table(old, new)
    for table, names in _COLUMNS.items():
        for old, new in names.items():
            op.alter_column(table, old, new_column_name=new)
    _rename_metrics(_METRICS)
    # pages tell by its rule what a verdict lacks
    for old, new in (("as usual", "as expected"), (" nights", " days")):
        op.execute(sa.text(f"UPDATE mlmon_verdicts SET rule = replace(rule, '{old}', '{new}')"))  # noqa: S608 - constants


def downgrade() -> None:
    """Give everything its old name."""
    _rename_metrics({new: old for old, new in _METRICS.items()})
    for table, names in _COLUMNS.items():
        for old, new in names.items():
            op.alter_column(table, new, new_column_name=old)
    for old, new in _TABLES.items():
        op.rename_table(new, old)


def _rename_metrics(names: Mapping[str, str]) -> None:
    connection = op.get_bind()
    for name in ("mlmon_metrics", "mlmon_verdicts"):
        table = _table(name)
        for old, new in names.items():
            connection.execute(sa.update(table).where(table.c.metric == old).values(metric=new))
    _rename_alerts(names)
    for name in ("mlmon_alert_episodes", "mlmon_alert_actions"):
        _rename_subjects(_table(name), names)


def _rename_alerts(names: Mapping[str, str]) -> None:
    """Write each alert anew and lead its messages to it, because they refer to it by its fingerprint."""
    connection = op.get_bind()
    alerts, outbox = _table("mlmon_alerts"), _table("mlmon_outbox")
    for row in connection.execute(sa.select(alerts).where(alerts.c.metric.in_(names))).mappings().all():
        renamed = {**row, "metric": names[row["metric"]]}
        renamed["fingerprint"] = _fingerprint(renamed)
        connection.execute(sa.insert(alerts).values(renamed))
        of_alert = sa.and_(
            outbox.c.model == row["model"],
            outbox.c.breach == row["day"],
            outbox.c.family == row["family"],
            outbox.c.fingerprint == row["fingerprint"],
        )
        connection.execute(sa.update(outbox).where(of_alert).values(fingerprint=renamed["fingerprint"]))
        key = [alerts.c[column] == row[column] for column in ("model", "day", "family", "fingerprint")]
        connection.execute(sa.delete(alerts).where(*key))


def _rename_subjects(table: sa.Table, names: Mapping[str, str]) -> None:
    connection = op.get_bind()
    subject = [table.c[name] for name in ("model", "metric", "column", "segment")]
    query = sa.select(*subject).where(table.c.metric.in_(names)).distinct()
    for row in connection.execute(query).mappings().all():
        renamed = {**row, "metric": names[row["metric"]]}
        of_subject = sa.and_(*(column == row[column.name] for column in subject))
        changed = {"metric": renamed["metric"], "fingerprint": _fingerprint(renamed)}
        connection.execute(sa.update(table).where(of_subject).values(changed))


def _fingerprint(row: Mapping[str, str]) -> str:
    name = "\x1f".join(row[part] for part in ("model", "metric", "column", "segment"))
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def _table(name: str) -> sa.Table:
    return sa.Table(name, sa.MetaData(), autoload_with=op.get_bind())
