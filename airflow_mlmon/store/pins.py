"""Pins of a model's baseline: rows are added and never changed.

Every function works inside the transaction of its caller.
"""

from __future__ import annotations

import json
from datetime import date
from functools import cache
from typing import Any

import sqlalchemy as sa

from airflow_mlmon.baselines import BaselinePin
from airflow_mlmon.errors import StateError
from airflow_mlmon.spec.baseline import Baseline
from airflow_mlmon.store import schema
from airflow_mlmon.store.rows import written
from airflow_mlmon.store.statements import bound, has_key


def add_pin(connection: sa.Connection, model: str, pin: BaselinePin) -> None:
    """Add the next pin of a model.

    Raises:
        StateError: its number is not the next one, or it begins on or before an evaluated day.
    """
    table = schema.baselines
    before = connection.scalar(sa.select(sa.func.max(table.c.number)).where(table.c.model == model)) or 0
    if pin.number != before + 1:
        raise StateError(
            f"Another baseline of {model} was accepted meanwhile: pin {pin.number} does not follow {before}.",
            hint="check the pins with `mlmon baseline list`, then accept again",
        )
    evaluated = last_evaluated_day(connection, model)
    if evaluated is not None and pin.first <= evaluated:
        raise StateError(
            f"A baseline of {model} from {pin.first} on would change the verdicts of {evaluated}, "
            "which is already evaluated.",
            hint="accept it from a later day",
        )
    connection.execute(sa.insert(table).values(_row_of(model, pin)))


def pins_of(connection: sa.Connection, model: str) -> list[BaselinePin]:
    """Read the pins of a model, in the order in which they were accepted."""
    return [_pin_of(row) for row in connection.execute(_pins_query(), bound({"model": model}))]


@cache
def _pins_query() -> sa.Select[tuple[Any, ...]]:
    table = schema.baselines
    return sa.select(table).where(has_key(table, "model")).order_by(table.c.number)


def last_evaluated_day(connection: sa.Connection, model: str) -> date | None:
    """Find the last evaluated day of a model; None if there is none."""
    table = schema.partitions
    last: date | None = connection.scalar(
        sa.select(sa.func.max(table.c.day)).where(table.c.model == model, table.c.evaluated)
    )
    return last


def day_zone(connection: sa.Connection, model: str) -> str | None:
    """Find the zone of a model's partitions, which all have the same; None if there are none."""
    table = schema.partitions
    zone: str | None = connection.scalar(sa.select(table.c.zone).where(table.c.model == model).limit(1))
    return zone


def _row_of(model: str, pin: BaselinePin) -> dict[str, Any]:
    return {
        "model": model,
        "number": pin.number,
        "version": pin.version or "",
        "baseline": written(pin.baseline.to_dict(), f"{model}: baseline"),
        "first": pin.first,
        "who": pin.who,
        "why": pin.why,
        "accepted_at": pin.accepted_at,
    }


def _pin_of(row: sa.Row[Any]) -> BaselinePin:
    return BaselinePin(
        number=row.number,
        version=row.version or None,
        baseline=Baseline.model_validate(json.loads(row.baseline)),
        first=row.first,
        who=row.who,
        why=row.why,
        accepted_at=row.accepted_at,
    )
