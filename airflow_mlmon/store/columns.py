"""Columns of the metric store's tables, of types that every kind of database has.

A key or an index of MySQL takes texts of a limited length only; elsewhere they have no limit.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from airflow_mlmon.partition import DEFAULT_ZONE

_WITHOUT_ZONES = {"sqlite", "mysql"}
# of texts that are in a key or in an index: MySQL needs a limit, and 3,072 bytes for all of an index
_LENGTHS = {
    "alias": 255,
    "channel": 255,
    "column": 255,
    "event": 16,
    "family": 16,
    "fingerprint": 64,
    "kind": 16,
    "metric": 128,
    "model": 100,
    "segment": 255,
    "state": 32,
    "step": 64,
    "version": 128,
    "zone": 64,
}


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """Moment, written and read in UTC, also if the database has no time zones."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Return the type of a database; that of MySQL has no fractions of a second unless it is asked for them."""
        if dialect.name != "mysql":
            return super().load_dialect_impl(dialect)
        from sqlalchemy.dialects.mysql import DATETIME  # noqa: PLC0415 - slow to import, for those who have a MySQL

        return dialect.type_descriptor(DATETIME(fsp=6))

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Convert the moment to UTC; a naive one is a programming error."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError(f"The store needs moments with a time zone, got {value!r}.")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name in _WITHOUT_ZONES else moment

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Return the moment in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name in _WITHOUT_ZONES else value.astimezone(UTC)


class PlainText(sa.types.TypeDecorator[str]):
    """Text of any origin; characters that a database cannot store become the replacement character."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Return the type of a database; MySQL's TEXT ends at 64 KiB."""
        if dialect.name != "mysql":
            return super().load_dialect_impl(dialect)
        from sqlalchemy.dialects.mysql import LONGTEXT  # noqa: PLC0415 - slow to import, for those who have a MySQL

        return dialect.type_descriptor(LONGTEXT())

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Replace NUL and lone surrogates, which file names and messages may contain."""
        if value is None:
            return None
        return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def key_column(name: str, kind: Any = None) -> sa.Column[Any]:
    """Return a column of a primary key: a text, or of another type."""
    return sa.Column(name, kind or limited_text(name), primary_key=True, nullable=False)


def indexed_column(name: str) -> sa.Column[str]:
    """Return a text column that is part of an index."""
    return sa.Column(name, limited_text(name), nullable=False)


def limited_text(name: str) -> sa.types.TypeEngine[str]:
    """Return the type of a text in an index, by the name of its column."""
    return sa.Text().with_variant(sa.String(_LENGTHS[name]), "mysql")


def text_column(name: str) -> sa.Column[str]:
    """Return a column of any text."""
    return sa.Column(name, PlainText, nullable=False)


def count_column(name: str) -> sa.Column[int]:
    """Return a column of a count."""
    return sa.Column(name, sa.BigInteger, nullable=False)


def zone_column() -> sa.Column[str]:
    """Return the column of a time zone."""
    return sa.Column("zone", limited_text("zone"), nullable=False, server_default=DEFAULT_ZONE)
