"""Profile schemas of a model, of which the latest is pinned.

Every function works inside the transaction of its caller.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa

from airflow_mlmon.store import schema
from airflow_mlmon.store.rows import written


class StoredLayout(NamedTuple):
    """Profile schema of a model, and its URI."""

    layout_id: str
    uri: str
    facts: Mapping[str, Any]


def pin(connection: sa.Connection, model: str, layout: StoredLayout, supersedes: str | None) -> StoredLayout:
    """Pin a profile schema in place of `supersedes`, and return the pinned one."""
    facts = written(layout.facts, f"{model}: profile schema {layout.layout_id}")
    found = connection.execute(_latest(model)).one_or_none()
    if found is None or found.layout == supersedes:
        number = 1 if found is None else found.number + 1
        row = {"model": model, "number": number, "layout": layout.layout_id, "uri": layout.uri, "facts": facts}
        connection.execute(sa.insert(schema.layouts).values(row))
    return _stored(connection.execute(_latest(model)).one())


def latest(connection: sa.Connection, model: str) -> StoredLayout | None:
    """Read the pinned profile schema of a model."""
    found = connection.execute(_latest(model)).one_or_none()
    return None if found is None else _stored(found)


def _latest(model: str) -> sa.Select[Any]:
    table = schema.layouts
    return sa.select(table).where(table.c.model == model).order_by(table.c.number.desc()).limit(1)


def _stored(row: sa.Row[Any]) -> StoredLayout:
    return StoredLayout(row.layout, row.uri, json.loads(row.facts))
