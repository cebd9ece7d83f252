"""A view of each model for whoever asks in SQL: its metrics, each with its verdict and the status of its day.

Views are read only, and are made when a model is registered and again after an upgrade; only a downgrade drops them. A
migration that changes a column that they read has to drop them before, because PostgreSQL and SQLite refuse it
otherwise.
"""

from __future__ import annotations

import hashlib
import logging

import sqlalchemy as sa

from airflow_mlmon.errors import ServiceRejectedError
from airflow_mlmon.store import schema
from airflow_mlmon.store.database import Database

log = logging.getLogger(__name__)

_PREFIX = "mlmon_v_"
# PostgreSQL cuts names after 63 characters, MySQL refuses them after 64
_LONGEST = 63
_HASHED = 8


def view_name(model: str) -> str:
    """Return the name of a model's view; that of a long name ends in a hash of it.

    >>> view_name("flights")
    'mlmon_v_flights'
    >>> view_name("a" * 60)
    'mlmon_v_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa_11ee3912'
    """
    name = _PREFIX + model
    if len(name) <= _LONGEST:
        return name
    return f"{name[: _LONGEST - _HASHED - 1]}_{hashlib.sha256(model.encode()).hexdigest()[:_HASHED]}"


def keep_view(database: Database, model: str) -> None:
    """Make the view of a model unless it is there; whoever may not make views is told so in the log."""
    with database.asking() as connection:
        if sa.inspect(connection).has_table(view_name(model)):
            return
    _make(database, [model])


def renew_views(database: Database) -> None:
    """Make the views of all registered models as this release defines them."""
    table = schema.models
    with database.reading() as connection:
        if not sa.inspect(connection).has_table(table.name):
            return
        models = list(connection.scalars(sa.select(table.c.model).where(table.c.error == "").order_by(table.c.model)))
    if models:
        _make(database, models)


def drop_views(database: Database) -> None:
    """Drop the views of all models, before columns change that they read."""
    with database.writing("views") as connection:
        quote = connection.dialect.identifier_preparer.quote_identifier
        for name in sa.inspect(connection).get_view_names():
            if name.startswith(_PREFIX):
                connection.exec_driver_sql(f"DROP VIEW {quote(name)}")


def _make(database: Database, models: list[str]) -> None:
    try:
        with database.writing("views") as connection:
            for model in models:
                for statement in _statements(connection, model):
                    connection.exec_driver_sql(statement)
    except ServiceRejectedError as error:
        log.warning("No SQL view of %s: %s", models[0] if len(models) == 1 else f"{len(models)} models", error)


def _statements(connection: sa.Connection, model: str) -> list[str]:
    name = connection.dialect.identifier_preparer.quote_identifier(view_name(model))
    query = values_query(model).compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
    if connection.dialect.name == "sqlite":
        return [f"DROP VIEW IF EXISTS {name}", f"CREATE VIEW {name} AS {query}"]
    # MySQL would write through a view of joined tables
    algorithm = "ALGORITHM = TEMPTABLE " if connection.dialect.name == "mysql" else ""
    return [f"CREATE OR REPLACE {algorithm}VIEW {name} AS {query}"]


def values_query(model: str) -> sa.Select[tuple[object, ...]]:
    """Write the query of a view: the values of a model, each with its verdict; of several, the worst."""
    metrics, days, verdicts = schema.metrics, schema.partitions, schema.verdicts
    subject = ("model", "day", "family", "metric", "column", "segment")
    others = verdicts.alias("others")
    # in the order of the alphabet: BREACH, INSUFFICIENT_DATA, OK
    worst = (
        sa.select(others.c.position)
        .where(*(others.c[name] == metrics.c[name] for name in subject))
        .order_by(others.c.state, others.c.position)
        .limit(sa.literal_column("1"))
        .scalar_subquery()
    )
    of_metric = sa.and_(*(verdicts.c[name] == metrics.c[name] for name in subject), verdicts.c.position == worst)
    of_day = sa.and_(days.c.model == metrics.c.model, days.c.day == metrics.c.day)
    columns = [
        metrics.c.day,
        days.c.zone,
        days.c.status,
        days.c.version,
        *(metrics.c[name] for name in ("family", "metric")),
        metrics.c.column.label("column_name"),
        *(metrics.c[name] for name in ("segment", "value", "low", "high")),
        metrics.c.rows.label("row_count"),
        verdicts.c.state,
        verdicts.c.expected,
        verdicts.c.low.label("expected_low"),
        verdicts.c.high.label("expected_high"),
        *(verdicts.c[name] for name in ("p_value", "effect", "severity", "rule")),
    ]
    joined = metrics.join(days, of_day).outerjoin(verdicts, of_metric)
    return sa.select(*columns).select_from(joined).where(metrics.c.model == model)
