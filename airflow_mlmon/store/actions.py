"""Actions of people on alerts: rows are added and never changed.

Every function works inside the transaction of its caller.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date
from functools import cache
from typing import Any

import sqlalchemy as sa

from airflow_mlmon.records import Action, ActionKind, SubjectKey
from airflow_mlmon.store import schema
from airflow_mlmon.store.rows import subject_of

_table = schema.actions


def add_action(connection: sa.Connection, key: Mapping[str, str], action: Action) -> None:
    """Add an action on an alert, identified by model, fingerprint and subject."""
    last = connection.scalar(sa.select(sa.func.max(_table.c.number)).where(_table.c.model == key["model"])) or 0
    row = {
        **key,
        "number": last + 1,
        "kind": action.kind.value,
        "day": action.day,
        "until": action.until,
        "who": action.who,
        "why": action.why,
        "at": action.at,
    }
    connection.execute(sa.insert(_table).values(row))


def actions_on(connection: sa.Connection, model: str, fingerprints: Collection[str]) -> dict[str, list[Action]]:
    """Read the actions on each alert, in the order in which they were taken."""
    named = sa.and_(_table.c.model == model, _table.c.fingerprint.in_(sorted(fingerprints)))
    found: dict[str, list[Action]] = defaultdict(list)
    for row in connection.execute(sa.select(_table).where(named).order_by(_table.c.number)):
        found[row.fingerprint].append(action_of(row))
    return dict(found)


def accepted_until(connection: sa.Connection, model: str, before: date) -> dict[SubjectKey, date]:
    """Find, by metric, column and segment, the last day whose breaches were accepted as the new normal before a day.

    An action that takes effect after a day does not apply to that day or to earlier ones.
    """
    rows = connection.execute(_accepted_query(), {"model": model, "before": before})
    return {subject_of(row): row.day for row in rows}


@cache
def _accepted_query() -> sa.Select[tuple[Any, ...]]:
    subject = (_table.c.metric, _table.c.column, _table.c.segment)
    before: sa.BindParameter[date] = sa.bindparam("before")
    return (
        sa.select(*subject, sa.func.max(_table.c.day).label("day"))
        .where(_table.c.model == sa.bindparam("model"), _table.c.kind == ActionKind.ACCEPT.value, _table.c.day < before)
        .group_by(*subject)
    )


def action_of(row: sa.Row[Any]) -> Action:
    """Convert a row to an action."""
    return Action(kind=ActionKind(row.kind), day=row.day, until=row.until, who=row.who, why=row.why, at=row.at)
