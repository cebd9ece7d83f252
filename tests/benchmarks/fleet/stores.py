"""Stores of a fleet: what the days of one real model left, copied to other models and to the days of a year.

The last days are as they were run; those before them repeat four weeks, with the alert that came and went in them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from airflow_mlmon.records import fingerprint_of
from airflow_mlmon.store import evidence_tables, schema
from airflow_mlmon.store.database import Database
from airflow_mlmon.store.metric_store import MetricStore
from airflow_mlmon.store.rows import subject_of
from airflow_mlmon.store.step_store import steps
from tests.benchmarks.fleet.template import MODEL, RAN_DAYS, REFERENCE_DAYS, day_at, write_template
from tests.support.postgres import fixed_database, private_postgres

YEAR = 365
FOLDER = Path("build/fleet")
TEMPLATE = FOLDER / "template"
_CYCLE, _CYCLE_FROM = 28, 7
# by table of results, the columns that are copied as they are
_RESULTS = (
    schema.metrics,
    schema.verdicts,
    schema.checks,
    schema.compared_with,
    schema.label_bases,
    schema.evaluation_bases,
    evidence_tables.result_plans,
    steps,
)
_ONCE = (schema.profile_schemas, schema.baselines, evidence_tables.plans)
_BATCH = 20_000
_NEXT_ID = "SELECT setval(pg_get_serial_sequence('mlmon_outbox', 'id'), max(id)) FROM mlmon_outbox"
_LOOSE = "PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -400000"

_copied = sa.MetaData()
_names = sa.Table("bench_models", _copied, sa.Column("name", sa.Text, primary_key=True))
_days = sa.Table(
    "bench_days",
    _copied,
    sa.Column("target", sa.Date, primary_key=True),
    sa.Column("source", sa.Date, nullable=False),
    sa.Column("shift", sa.Integer, nullable=False),
)


@dataclass(frozen=True, slots=True)
class FleetStore:
    """URLs of two stores on one kind of database: of the fleet, and of the last days of one model by themselves."""

    fleet: str
    alone: str

    def restore(self) -> None:
        """Take back the nights that were run in them."""
        restore_first(self.fleet, TEMPLATE, source_days())
        restore_first(self.alone, TEMPLATE, recent_days())


@contextmanager
def fleet_stores(models: int) -> Iterator[dict[str, FleetStore]]:
    """Make the stores of a fleet of so many models unless they are there, and yield them by database."""
    if not (TEMPLATE / "store.db").exists():
        write_template(TEMPLATE)
    with private_postgres(FOLDER.resolve() / "postgresql") as server:
        files = FleetStore(f"sqlite:///{FOLDER}/fleet_{models}.db", f"sqlite:///{FOLDER}/alone.db")
        databases = FleetStore(*(fixed_database(server, name) for name in (f"fleet_{models}", "alone")))
        found = {"SQLite": files, "PostgreSQL": databases}
        for store in found.values():
            for url, count, days in ((store.fleet, models, source_days()), (store.alone, 1, recent_days())):
                if not _is_filled(url):
                    sys.stderr.write(f"filling {url.rpartition('/')[2]} …\n")
                    fill_store(url, TEMPLATE, count, days)
        yield found


def _is_filled(url: str) -> bool:
    with MetricStore(url) as store:
        return bool(store.models())


def model_names(count: int) -> list[str]:
    """The names of the models; the first is the one that was run."""
    return [f"model_{number:03}" for number in range(count)]


def fill_store(url: str, template: Path, models: int, days: Mapping[date, date]) -> None:
    """Make the tables, and fill them with days of so many models, each with the day that it is copied from."""
    with _opened(url, template) as (source, target):
        _fill(source, target, model_names(models), days)
        with target.writing() as connection:
            connection.exec_driver_sql("ANALYZE")


def restore_first(url: str, template: Path, days: Mapping[date, date]) -> None:
    """Take back what was done to the first model of a filled store."""
    with _opened(url, template) as (source, target):
        _fill(source, target, [MODEL], days)


@contextmanager
def _opened(url: str, template: Path) -> Iterator[tuple[Database, Database]]:
    made = f"sqlite:///{template / 'store.db'}"
    for each in (made, url):
        # with the tables of this release
        MetricStore(each).close()
    source, target = Database(made), Database(url)
    if target.engine.dialect.name == "sqlite":
        # whatever fails is made again
        sa.event.listen(target.engine, "connect", lambda raw, _: raw.executescript(_LOOSE))
    try:
        yield source, target
    finally:
        source.close()
        target.close()


def _fill(source: Database, target: Database, models: list[str], days: Mapping[date, date]) -> None:
    is_postgres = target.engine.dialect.name == "postgresql"
    with source.reading() as reading, target.writing("schema") as writing:
        if is_postgres:
            # foreign keys are kept by what is copied
            writing.exec_driver_sql("SET LOCAL session_replication_role = replica")
        if models == [MODEL]:
            for table in reversed(schema.metadata.sorted_tables):
                if "model" in table.c:
                    writing.execute(sa.delete(table).where(table.c.model == MODEL))
        _Filling(reading, writing, models, days).fill()
        if is_postgres:
            writing.exec_driver_sql(_NEXT_ID)


def recent_days() -> dict[date, date]:
    """The days that were run, and those of the reference, each with itself."""
    return {day_at(number): day_at(number) for number in range(-REFERENCE_DAYS, RAN_DAYS)}


def source_days() -> dict[date, date]:
    """Each day of the year with the day that it is copied from."""
    found = recent_days()
    for back in range(YEAR - len(found)):
        day = day_at(-REFERENCE_DAYS - 1 - back)
        found[day] = day_at(_CYCLE_FROM + _CYCLE - 1 - back % _CYCLE)
    return found


class _Filling:
    def __init__(
        self, source: sa.Connection, target: sa.Connection, names: list[str], days: Mapping[date, date]
    ) -> None:
        self._source, self._target, self._names, self._days = source, target, names, days
        self._subjects = _subjects(source)

    def fill(self) -> None:
        _copied.drop_all(self._target)
        _copied.create_all(self._target)
        self._target.execute(sa.insert(_names), [{"name": name} for name in self._names])
        moved = [{"target": day, "source": of, "shift": (day - of).days} for day, of in self._days.items()]
        self._target.execute(sa.insert(_days), moved)
        self._insert(schema.models, self._of_every_model(schema.models))
        for table in (schema.partitions, schema.deliveries):
            self._insert(table, self._moved(table))
        for table in _ONCE:
            self._insert(table, self._of_every_model(table))
        for table in _RESULTS:
            self._copy(table)
        for table in (schema.alerts, schema.episodes, schema.outbox, schema.actions):
            self._insert(table, self._of_alerts(table))
        _copied.drop_all(self._target)

    def _rows(self, table: sa.Table) -> list[dict[str, Any]]:
        return [dict(row) for row in self._source.execute(sa.select(table)).mappings()]

    def _insert(self, table: sa.Table, rows: Iterator[dict[str, Any]]) -> None:
        batch: list[dict[str, Any]] = []
        for row in rows:
            batch.append(row)
            if len(batch) == _BATCH:
                self._target.execute(sa.insert(table), batch)
                batch = []
        if batch:
            self._target.execute(sa.insert(table), batch)

    def _of_every_model(self, table: sa.Table) -> Iterator[dict[str, Any]]:
        found = self._rows(table)
        owners = ("risk", "growth", "pricing", "fraud")
        for number, name in enumerate(self._names):
            for row in found:
                own = {"owner": owners[number % len(owners)]} if table is schema.models else {}
                yield {**row, "model": name, **own}

    def _moved(self, table: sa.Table) -> Iterator[dict[str, Any]]:
        by_day = {row["day"]: row for row in self._rows(table)}
        for name in self._names:
            for day, of in self._days.items():
                if of in by_day:
                    row, shift = by_day[of], day - of
                    yield {**row, "model": name, "day": day, "start": row["start"] + shift, "end": row["end"] + shift}

    def _copy(self, table: sa.Table) -> None:
        """Copy results inside the database: of one day of the template to each day and model that is made of it."""
        copy = table.to_metadata(sa.MetaData(), name=f"bench_{table.name}")
        copy.constraints = {one for one in copy.constraints if not isinstance(one, sa.ForeignKeyConstraint)}
        copy.indexes.clear()
        copy.drop(self._target, checkfirst=True)
        copy.create(self._target)
        self._insert(copy, iter(self._rows(table)))
        taken = {column.name: copy.c[column.name] for column in table.columns}
        taken |= {"model": _names.c.name, "day": _days.c.target}
        if "base" in taken:
            taken["base"] = self._shifted(copy.c.base)
        query = sa.select(*(taken[column.name] for column in table.columns)).select_from(
            _names.join(_days, sa.true()).join(copy, copy.c.day == _days.c.source)
        )
        query = query.order_by(_names.c.name, _days.c.target)
        self._target.execute(sa.insert(table).from_select([column.name for column in table.columns], query))
        copy.drop(self._target)

    def _shifted(self, day: sa.ColumnElement[date]) -> sa.ColumnElement[Any]:
        if self._target.dialect.name == "sqlite":
            moved = sa.cast(_days.c.shift, sa.Text) + sa.literal_column("' days'")
            return sa.func.date(day, moved, type_=sa.Text)
        return day + _days.c.shift

    def _of_alerts(self, table: sa.Table) -> Iterator[dict[str, Any]]:
        """Copy the rows of alerts: the last as they are, those of the repeated weeks to each of them."""
        dates = [column.name for column in table.columns if isinstance(column.type, sa.Date)]
        begins = "since" if table is schema.episodes else "day"
        found = self._rows(table)
        first, last = day_at(_CYCLE_FROM), day_at(_CYCLE_FROM + _CYCLE - 1)
        repeated = [
            row
            for row in found
            if first <= row[begins] and max(row[key] for key in dates if row[key] is not None) <= last
        ]
        number = 0
        for name in self._names:
            for cycle in range(1 + YEAR // _CYCLE):
                # the four weeks before those that were run and before the reference
                shift = timedelta(days=0 if cycle == 0 else -(REFERENCE_DAYS + _CYCLE_FROM + _CYCLE * cycle))
                for row in found if cycle == 0 else repeated:
                    moved = {key: row[key] + shift for key in dates if row[key] is not None}
                    if min(moved.values()) < min(self._days):
                        continue
                    number += 1
                    own = {key: number for key in ("id", "number") if key in row}
                    own["fingerprint"] = fingerprint_of(name, *self._subjects[row["fingerprint"]])
                    yield {**row, **moved, **own, "model": name}


def _subjects(source: sa.Connection) -> dict[str, tuple[str, str | None, str | None]]:
    table = schema.alerts
    query = sa.select(table.c.fingerprint, table.c.metric, table.c.column, table.c.segment).distinct()
    return {row.fingerprint: subject_of(row) for row in source.execute(query)}
