"""Profile schemas of a model, of which the latest is pinned.

Every function works inside the transaction of its caller.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import sqlalchemy as sa

from airflow_mlmon.store import schema


class StoredLayout(NamedTuple):
    """Profile schema of a model, its URI, and the fingerprint of what it was pinned from."""

    layout_id: str
    uri: str
    fingerprint: str


def pin(connection: sa.Connection, model: str, layout: StoredLayout, supersedes: str | None) -> StoredLayout:
    """Pin a profile schema in place of `supersedes`, and return the pinned one."""
    found = connection.execute(_latest(model)).one_or_none()
    if found is None or found.layout == supersedes:
        number = 1 if found is None else found.number + 1
        row = {"model": model, "number": number, "layout": layout.layout_id, "uri": layout.uri}
        connection.execute(sa.insert(schema.layouts).values(row | {"fingerprint": layout.fingerprint}))
    return _stored(connection.execute(_latest(model)).one())


def latest(connection: sa.Connection, model: str) -> StoredLayout | None:
    """Read the pinned profile schema of a model."""
    found = connection.execute(_latest(model)).one_or_none()
    return None if found is None else _stored(found)


def _latest(model: str) -> sa.Select[Any]:
    table = schema.layouts
    return sa.select(table).where(table.c.model == model).order_by(table.c.number.desc()).limit(1)


def _stored(row: sa.Row[Any]) -> StoredLayout:
    return StoredLayout(row.layout, row.uri, row.fingerprint)
