"""First schema: partitions, their results, the outbox, deliveries and profile schemas."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables."""
    _create_nights()
    _create_results()
    _create_alerts()
    _create_labels_and_layouts()


def downgrade() -> None:
    """Drop the tables, and the results with them."""
    for name in (
        "layouts",
        "label_bases",
        "deliveries",
        "outbox",
        "alerts",
        "checks",
        "verdicts",
        "metrics",
        "nights",
    ):
        op.drop_table(f"mlmon_{name}")


def _required(name: str, kind: Any = sa.Text) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _result_key() -> list[sa.Column[Any]]:
    return [_required("model"), _required("day", sa.Date), _required("family")]


def _of_night() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["model", "day"], ["mlmon_nights.model", "mlmon_nights.day"])


def _create_nights() -> None:
    op.create_table(
        "mlmon_nights",
        _required("model"),
        _required("day", sa.Date),
        _required("start", _MOMENT),
        _required("end", _MOMENT),
        _required("status"),
        sa.Column("version", sa.Text),
        sa.Column("layout", sa.Text),
        _required("rows_listed", sa.BigInteger),
        _required("rows_curated", sa.BigInteger),
        _required("rows_quarantined", sa.BigInteger),
        _required("message"),
        _required("judged", sa.Boolean),
        _required("facts"),
        sa.PrimaryKeyConstraint("model", "day"),
    )


def _create_results() -> None:
    op.create_table(
        "mlmon_metrics",
        *_result_key(),
        _required("metric"),
        _required("column"),
        sa.Column("value", sa.Double),
        _required("rows", sa.BigInteger),
        _required("detail"),
        sa.PrimaryKeyConstraint("model", "day", "family", "metric", "column"),
        _of_night(),
    )
    op.create_table(
        "mlmon_verdicts",
        *_result_key(),
        _required("position", sa.Integer),
        _required("metric"),
        _required("column"),
        sa.Column("value", sa.Double),
        _required("state"),
        sa.Column("low", sa.Double),
        sa.Column("high", sa.Double),
        _required("rule"),
        sa.Column("history", sa.Integer),
        sa.Column("deviations", sa.Double),
        _required("note"),
        _required("severity"),
        sa.PrimaryKeyConstraint("model", "day", "family", "position"),
        _of_night(),
    )
    op.create_table(
        "mlmon_checks",
        *_result_key(),
        _required("position", sa.Integer),
        _required("expectation"),
        _required("column"),
        _required("severity"),
        sa.Column("passed", sa.Boolean),
        _required("rows", sa.BigInteger),
        sa.Column("unexpected", sa.BigInteger),
        _required("observed"),
        _required("expected"),
        _required("error"),
        sa.PrimaryKeyConstraint("model", "day", "family", "position"),
        _of_night(),
    )


def _create_alerts() -> None:
    op.create_table(
        "mlmon_alerts",
        *_result_key(),
        _required("fingerprint"),
        _required("metric"),
        _required("column"),
        _required("severity"),
        _required("title"),
        _required("text"),
        sa.Column("value", sa.Double),
        _required("state"),
        sa.PrimaryKeyConstraint("model", "day", "family", "fingerprint"),
        _of_night(),
    )
    op.create_table(
        "mlmon_outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        *_result_key(),
        _required("fingerprint"),
        _required("channel"),
        _required("state"),
        _required("attempts", sa.Integer),
        sa.Column("next_attempt_at", _MOMENT),
        sa.Column("leased_until", _MOMENT),
        sa.Column("sent_at", _MOMENT),
        _required("error"),
        sa.UniqueConstraint("model", "day", "family", "fingerprint", "channel", name="mlmon_outbox_once"),
        sa.ForeignKeyConstraint(
            ["model", "day", "family", "fingerprint"],
            ["mlmon_alerts.model", "mlmon_alerts.day", "mlmon_alerts.family", "mlmon_alerts.fingerprint"],
        ),
    )
    op.create_index("mlmon_outbox_state", "mlmon_outbox", ["state", "model", "day"])


def _create_labels_and_layouts() -> None:
    op.create_table(
        "mlmon_deliveries",
        _required("model"),
        _required("day", sa.Date),
        _required("start", _MOMENT),
        _required("end", _MOMENT),
        _required("version"),
        _required("uri"),
        _required("rows", sa.BigInteger),
        sa.PrimaryKeyConstraint("model", "day"),
    )
    op.create_table(
        "mlmon_label_bases",
        _required("model"),
        _required("day", sa.Date),
        _required("version"),
        sa.PrimaryKeyConstraint("model", "day", "version"),
        _of_night(),
    )
    op.create_table(
        "mlmon_layouts",
        _required("model"),
        _required("number", sa.Integer),
        _required("layout"),
        _required("uri"),
        _required("facts"),
        sa.PrimaryKeyConstraint("model", "number"),
    )
