"""Profile schemas of a model, of which the latest is pinned.

Every function works inside the transaction of its caller.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from airflow_mlmon.store import schema
from airflow_mlmon.store.statements import bound, has_key


class StoredSchema(NamedTuple):
    """Profile schema of a model, its URI, and the fingerprint of what it was pinned from."""

    schema_id: str
    uri: str
    fingerprint: str

    @property
    def folder(self) -> str:
        """Return the name of the folder of what it was pinned from, for the workspace may have been moved."""
        return self.uri.split("/")[-2]


def pin(connection: sa.Connection, model: str, profile_schema: StoredSchema, supersedes: str | None) -> StoredSchema:
    """Pin a profile schema in place of `supersedes`, and return the pinned one."""
    found = connection.execute(_latest(), bound({"model": model})).one_or_none()
    if found is None or found.schema == supersedes:
        number = 1 if found is None else found.number + 1
        row = {"model": model, "number": number, "schema": profile_schema.schema_id, "uri": profile_schema.uri}
        connection.execute(sa.insert(schema.profile_schemas).values(row | {"fingerprint": profile_schema.fingerprint}))
    return _stored(connection.execute(_latest(), bound({"model": model})).one())


def latest(connection: sa.Connection, model: str) -> StoredSchema | None:
    """Read the pinned profile schema of a model."""
    found = connection.execute(_latest(), bound({"model": model})).one_or_none()
    return None if found is None else _stored(found)


def pinned(connection: sa.Connection, model: str) -> list[StoredSchema]:
    """Read every profile schema of a model, in the order in which they were pinned."""
    table = schema.profile_schemas
    query = sa.select(table).where(table.c.model == model).order_by(table.c.number)
    return [_stored(row) for row in connection.execute(query)]


@cache
def _latest() -> sa.Select[Any]:
    table = schema.profile_schemas
    return sa.select(table).where(has_key(table, "model")).order_by(table.c.number.desc()).limit(1)


def _stored(row: sa.Row[Any]) -> StoredSchema:
    return StoredSchema(row.schema, row.uri, row.fingerprint)
