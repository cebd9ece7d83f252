"""Tables of the metric store.

All tables begin with `mlmon_`, so that the store can share a database with Airflow. A value without a column of the
data is stored under the column '', and one of all rows under the segment '', because parts of a key cannot be
null.
"""

from __future__ import annotations

from enum import StrEnum

import sqlalchemy as sa

from airflow_mlmon.store.columns import PlainText, UtcDateTime
from airflow_mlmon.store.columns import count_column as _count
from airflow_mlmon.store.columns import indexed_column as _indexed
from airflow_mlmon.store.columns import key_column as _key
from airflow_mlmon.store.columns import text_column as _text
from airflow_mlmon.store.columns import zone_column as _zone

SCHEMA_VERSION = "0024"
VERSION_TABLE = "mlmon_schema_version"


class DeliveryState(StrEnum):
    """Delivery state of a notification on one channel."""

    PENDING = "pending"
    SENT = "sent"
    DEAD = "dead"
    WITHDRAWN = "withdrawn"


class BreachState(StrEnum):
    """State of a breach: it holds, or a later evaluation of the day withdrew it."""

    OPEN = "open"
    RESOLVED = "resolved"


metadata = sa.MetaData()


def _of_partition() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["model", "day"], ["mlmon_partitions.model", "mlmon_partitions.day"])


partitions = sa.Table(
    "mlmon_partitions",
    metadata,
    _key("model"),
    _key("day", sa.Date),
    sa.Column("start", UtcDateTime, nullable=False),
    sa.Column("end", UtcDateTime, nullable=False),
    _zone(),
    _text("status"),
    sa.Column("version", sa.Text),
    sa.Column("schema", sa.Text),
    _count("rows_read"),
    _count("rows_accepted"),
    _count("rows_quarantined"),
    _text("message"),
    sa.Column("evaluated", sa.Boolean, nullable=False),
    sa.Column("arrived", PlainText),
    sa.Column("arrived_message", PlainText),
    sa.Column("files", sa.BigInteger),
    sa.Column("labels_delivered", sa.BigInteger),
    sa.Column("delay_hours", sa.Double),
    sa.Column("delay_reason", PlainText),
    sa.Column("causes", PlainText),
    sa.Column("log", PlainText),
)

evaluation_bases = sa.Table(
    "mlmon_evaluation_bases",
    metadata,
    _key("model"),
    _key("day", sa.Date),
    _key("base", sa.Date),
    _text("version"),
    _of_partition(),
)

metrics = sa.Table(
    "mlmon_metrics",
    metadata,
    _key("model"),
    _key("day", sa.Date),
    _key("family"),
    _key("metric"),
    _key("column"),
    _key("segment"),
    sa.Column("value", sa.Double),
    _count("rows"),
    _text("detail"),
    *(sa.Column(name, sa.Double) for name in ("low", "high", "constant")),
    _of_partition(),
)
# of all rows and columns together; written out, because SQLite takes no index for values that are bound
OF_ALL = sa.and_(metrics.c.column == sa.literal_column("''"), metrics.c.segment == sa.literal_column("''"))
sa.Index(
    "mlmon_metrics_of_all",
    metrics.c.model,
    metrics.c.metric,
    metrics.c.day,
    sqlite_where=OF_ALL,
    postgresql_where=OF_ALL,
)

verdicts = sa.Table(
    "mlmon_verdicts",
    metadata,
    _key("model"),
    _key("day", sa.Date),
    _key("family"),
    _key("position", sa.Integer),
    _indexed("metric"),
    _indexed("column"),
    _indexed("segment"),
    sa.Column("value", sa.Double),
    _indexed("state"),
    sa.Column("low", sa.Double),
    sa.Column("high", sa.Double),
    _text("rule"),
    sa.Column("history", sa.Integer),
    sa.Column("deviations", sa.Double),
    _text("note"),
    _text("severity"),
    sa.Column("p_value", sa.Double),
    sa.Column("effect", sa.Double),
    sa.Column("expected", sa.Double),
    _of_partition(),
    sa.Index("mlmon_verdicts_subject", "model", "metric", "column", "segment", "day"),
    sa.Index("mlmon_verdicts_state", "model", "state", "day", "family"),
)

checks = sa.Table(
    "mlmon_checks",
    metadata,
    _key("model"),
    _key("day", sa.Date),
    _key("family"),
    _key("position", sa.Integer),
    _text("expectation"),
    _text("column"),
    _text("severity"),
    sa.Column("passed", sa.Boolean),
    _count("rows"),
    sa.Column("unexpected", sa.BigInteger),
    _text("observed"),
    _text("expected"),
    _text("error"),
    _of_partition(),
)

alerts = sa.Table(
    "mlmon_alerts",
    metadata,
    _key("model"),
    _key("day", sa.Date),
    _key("family"),
    _key("fingerprint"),
    _text("metric"),
    _text("column"),
    _text("segment"),
    _text("severity"),
    _text("title"),
    _text("text"),
    sa.Column("value", sa.Double),
    sa.Column("p_value", sa.Double),
    sa.Column("effect", sa.Double),
    _text("cause"),
    _count("position"),
    _text("state"),
    _of_partition(),
    sa.Index("mlmon_alerts_fingerprint", "model", "fingerprint", "day"),
)

episodes = sa.Table(
    "mlmon_alert_episodes",
    metadata,
    _key("model"),
    _key("fingerprint"),
    _key("since", sa.Date),
    _text("metric"),
    _text("column"),
    _text("segment"),
    _text("state"),
    _text("severity"),
    sa.Column("opened", sa.Date, nullable=False),
    sa.Column("last_breached", sa.Date, nullable=False),
    sa.Column("days", sa.Integer, nullable=False),
    sa.Column("reopens", sa.Boolean, nullable=False),
    sa.Column("worsened_on", sa.Date),
    sa.Column("acknowledged_on", sa.Date),
    _text("acknowledged_by"),
    sa.Column("muted_until", sa.Date),
    sa.Column("resolved_on", sa.Date),
    _text("resolved_by"),
    sa.Column("settled_on", sa.Date),
)

actions = sa.Table(
    "mlmon_alert_actions",
    metadata,
    _key("model"),
    _key("number", sa.Integer),
    _text("fingerprint"),
    _text("metric"),
    _text("column"),
    _text("segment"),
    _text("kind"),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("until", sa.Date),
    _text("who"),
    _text("why"),
    sa.Column("at", UtcDateTime, nullable=False),
)

outbox = sa.Table(
    "mlmon_outbox",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    _indexed("model"),
    sa.Column("day", sa.Date, nullable=False),
    _indexed("event"),
    _indexed("family"),
    _indexed("fingerprint"),
    sa.Column("breach", sa.Date, nullable=False),
    _indexed("channel"),
    _indexed("state"),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_attempt_at", UtcDateTime),
    sa.Column("leased_until", UtcDateTime),
    sa.Column("sent_at", UtcDateTime),
    _text("error"),
    sa.UniqueConstraint("model", "day", "fingerprint", "event", "channel", name="mlmon_outbox_event_once"),
    sa.ForeignKeyConstraint(
        ["model", "breach", "family", "fingerprint"],
        ["mlmon_alerts.model", "mlmon_alerts.day", "mlmon_alerts.family", "mlmon_alerts.fingerprint"],
    ),
    sa.Index("mlmon_outbox_state", "state", "model", "day"),
    sa.Index("mlmon_outbox_fingerprint", "model", "fingerprint"),
)

deliveries = sa.Table(
    "mlmon_deliveries",
    metadata,
    _key("model"),
    _key("day", sa.Date),
    sa.Column("start", UtcDateTime, nullable=False),
    sa.Column("end", UtcDateTime, nullable=False),
    _zone(),
    _text("version"),
    _text("uri"),
    _count("rows"),
    sa.Column("listing", PlainText, nullable=False, server_default=""),
)

label_bases = sa.Table(
    "mlmon_label_bases",
    metadata,
    _key("model"),
    _key("day", sa.Date),
    _key("version"),
    _of_partition(),
)

compared_with = sa.Table(
    "mlmon_compared_with",
    metadata,
    _key("model"),
    _key("day", sa.Date),
    _key("family"),
    _key("position", sa.Integer),
    _text("title"),
    _text("kind"),
    _text("columns"),
    sa.Column("asked", sa.Integer, nullable=False),
    sa.Column("needed", sa.Integer, nullable=False),
    _text("days"),
    sa.Column("other_schema", sa.Integer, nullable=False),
    sa.Column("pin", sa.Integer),
    _of_partition(),
)

drift_files = sa.Table(
    "mlmon_drift_files",
    metadata,
    _key("model"),
    _key("day", sa.Date),
    _of_partition(),
)

profile_schemas = sa.Table(
    "mlmon_profile_schemas",
    metadata,
    _key("model"),
    _key("number", sa.Integer),
    _text("schema"),
    _text("uri"),
    _text("fingerprint"),
)

baselines = sa.Table(
    "mlmon_baselines",
    metadata,
    _key("model"),
    _key("number", sa.Integer),
    _text("version"),
    _text("baseline"),
    sa.Column("first", sa.Date, nullable=False),
    _text("who"),
    _text("why"),
    sa.Column("accepted_at", UtcDateTime, nullable=False),
)

models = sa.Table(
    "mlmon_models",
    metadata,
    _key("model"),
    *(_text(name) for name in ("task", "owner", "team", "tags", "description")),
    sa.Column("start", sa.Date),
    sa.Column("end", sa.Date),
    _zone(),
    sa.Column("version_column", PlainText, nullable=False, server_default=""),
    sa.Column("hash_key", sa.String(32), nullable=False, server_default=""),
    _text("spec"),
    _text("error"),
)

audit = sa.Table(
    "mlmon_audit",
    metadata,
    _key("model"),
    _key("number", sa.Integer),
    _text("kind"),
    sa.Column("day", sa.Date, nullable=False),
    _text("who"),
    _text("why"),
    _text("detail"),
    sa.Column("at", UtcDateTime, nullable=False),
)

releases = sa.Table(
    "mlmon_releases",
    metadata,
    _key("revision", sa.String(32)),
    _text("release"),
)
