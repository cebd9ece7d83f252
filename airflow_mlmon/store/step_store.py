"""Part of the metric store that keeps when each step of a day ran last, how long it took, and its trace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from airflow_mlmon.partition import Partition
from airflow_mlmon.store import schema
from airflow_mlmon.store.columns import UtcDateTime, key_column, text_column
from airflow_mlmon.store.database import Database
from airflow_mlmon.store.statements import bound, deletion

steps = sa.Table(
    "mlmon_steps",
    schema.metadata,
    key_column("model"),
    key_column("day", sa.Date),
    key_column("step"),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("rows", sa.BigInteger),
    text_column("error"),
    text_column("trace"),
    text_column("span"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRun:
    """Last run of a step of a day.

    Attributes:
        step: Name of the step.
        started_at: When it began.
        seconds: How long it took.
        rows: Rows that it was about; None if it is about none.
        error: Kind of the error with which it failed; empty if it did not.
        trace: Trace of OpenTelemetry, 32 hexadecimal digits; empty if it was not traced.
        span: Its span, 16 hexadecimal digits.
    """

    step: str
    started_at: datetime
    seconds: float
    rows: int | None = None
    error: str = ""
    trace: str = ""
    span: str = ""


_FACTS = [steps.c[name] for name in StepRun.__slots__]


class StepStore:
    """Runs of the steps of days of a database."""

    _database: Database

    def record_step(self, partition: Partition, run: StepRun) -> None:
        """Record the run of a step in the place of the one before."""
        key = {"model": partition.model, "day": partition.day, "step": run.step}
        values = {name: getattr(run, name) for name in StepRun.__slots__}
        with self._database.writing() as connection:
            connection.execute(deletion(steps, *key), bound(key))
            connection.execute(sa.insert(steps), {**key, **values})

    def step_runs(self, partition: Partition) -> list[StepRun]:
        """Read the last run of each step of a day, in their order."""
        query = sa.select(*_FACTS).where(steps.c.model == partition.model, steps.c.day == partition.day)
        with self._database.reading() as connection:
            return [_run_of(row) for row in connection.execute(query.order_by(steps.c.started_at))]

    def last_step_runs(self, days: Mapping[str, date]) -> dict[str, list[StepRun]]:
        """Read the last runs of the steps of models, each on the day given with it."""
        found: dict[str, list[StepRun]] = {}
        with self._database.reading() as connection:
            for query in _queries(days):
                for row in connection.execute(query.order_by(steps.c.started_at)):
                    found.setdefault(str(row[-1]), []).append(_run_of(row))
        return found


def _queries(days: Mapping[str, date]) -> Iterator[sa.Select[tuple[object, ...]]]:
    """One query for each day, as most models have the same."""
    by_day: dict[date, list[str]] = {}
    for model, day in days.items():
        by_day.setdefault(day, []).append(model)
    for day, models in by_day.items():
        yield sa.select(*_FACTS, steps.c.model).where(steps.c.day == day, steps.c.model.in_(models))


def _run_of(row: sa.Row[Any]) -> StepRun:
    # thousands are scraped at a time
    return StepRun(**dict(zip(StepRun.__slots__, row, strict=False)))
