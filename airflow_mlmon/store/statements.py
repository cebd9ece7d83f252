"""Conditions with bound values, for statements that are written once: writing one takes as long as asking it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any

import sqlalchemy as sa


@cache
def has_key(table: sa.Table, *names: str) -> sa.ColumnElement[bool]:
    """Write the condition that a row has a key of these names, bound by `bound`."""
    return sa.and_(*(table.c[name] == sa.bindparam(f"key_{name}") for name in names))


def bound(key: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a statement with `has_key`."""
    return {f"key_{name}": value for name, value in key.items()}


@cache
def deletion(table: sa.Table, *names: str) -> sa.Delete:
    """Write the statement that deletes the rows of a key of these names, bound by `bound`."""
    return sa.delete(table).where(has_key(table, *names))


@cache
def in_range(table: sa.Table) -> sa.ColumnElement[bool]:
    """Write the condition that a row is of a model and of a range of days, bound by `bound_range`."""
    days: tuple[sa.BindParameter[date], sa.BindParameter[date]] = sa.bindparam("first"), sa.bindparam("last")
    return sa.and_(table.c.model == sa.bindparam("model"), table.c.day.between(*days))


def bound_range(model: str, first: date, last: date) -> dict[str, Any]:
    """Return the parameters of a statement with `in_range`."""
    return {"model": model, "first": first, "last": last}
