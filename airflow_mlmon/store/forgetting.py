"""Part of the metric store that removes a day as if it had never been run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from airflow_mlmon.fleet import AuditEntry
from airflow_mlmon.lifecycle.states import Policy
from airflow_mlmon.partition import Partition
from airflow_mlmon.records import PartitionState
from airflow_mlmon.store import schema
from airflow_mlmon.store.database import Database
from airflow_mlmon.store.episodes import follow_again
from airflow_mlmon.store.fleet_store import add_entry
from airflow_mlmon.store.publication import stored_day
from airflow_mlmon.store.rows import is_of, key_of
from airflow_mlmon.store.schema import DeliveryState
from airflow_mlmon.store.sightings import alerts_touched
from airflow_mlmon.store.step_store import steps

_COUNTED = (schema.metrics, schema.verdicts, schema.checks, schema.alerts)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgottenDay:
    """What the store had of a day.

    Attributes:
        state: Its record; None if it was not run.
        metrics: Number of its metrics.
        verdicts: Number of its verdicts.
        checks: Number of its check outcomes.
        alerts: Number of its breaches, withdrawn ones too.
        sent: Messages about it that were sent, or may be on their way.
        withdrawn: Messages about it that were not sent, and never will be.
        has_delivery: Whether labels were delivered on it.
        labelled: Number of other days whose performance rests on these labels.
    """

    state: PartitionState | None = None
    metrics: int = 0
    verdicts: int = 0
    checks: int = 0
    alerts: int = 0
    sent: int = 0
    withdrawn: int = 0
    has_delivery: bool = False
    labelled: int = 0

    @property
    def results(self) -> str:
        """Return the numbers of its results in words."""
        numbers = ((getattr(self, name), name) for name in ("metrics", "verdicts", "checks", "alerts"))
        return ", ".join(f"{number:,} {name if number != 1 else name[:-1]}" for number, name in numbers)

    @property
    def keeps_labels(self) -> bool:
        """Return whether the labels stay: another day rests on them, or the day was not run and they came apart."""
        return self.has_delivery and (self.labelled > 0 or self.state is None)


class Forgetting:
    """Days of the models in a database that people take back."""

    _database: Database

    def find_day(self, partition: Partition, filled: Sequence[Partition] = ()) -> ForgottenDay:
        """Return what the store has of a day, of which some days were profiled as its history alone."""
        with self._database.reading() as connection:
            return _find(connection, partition, filled)

    def forget_day(
        self,
        partition: Partition,
        write_entry: Callable[[ForgottenDay], AuditEntry],
        policy: Policy,
        *,
        filled: Sequence[Partition] = (),
    ) -> ForgottenDay:
        """Delete a day, its results and messages, and add an entry to the audit trail, in one transaction.

        Alerts are followed again without the day, and nobody is notified. Labels that were delivered on it stay if the
        performance of another day rests on them. Verdicts of other days stay, and are stale. Nothing is written if
        the day was not run.

        Args:
            partition: the day.
            write_entry: writes the entry, from what the store had of the day.
            policy: thresholds for opening and closing alerts.
            filled: days that were profiled as its history alone, which go with it.
        """
        gone = [partition, *filled]
        with self._database.writing(partition.model) as connection:
            found = _find(connection, partition, filled)
            if found.state is None:
                return found
            names = alerts_touched(connection, partition.model, [partition.day])
            for one in gone:
                connection.execute(sa.delete(schema.outbox).where(_about(one)))
                for table in (steps, *_tables_of_day()):
                    connection.execute(sa.delete(table).where(is_of(table, key_of(one))))
            if not found.keeps_labels:
                table = schema.deliveries
                connection.execute(sa.delete(table).where(is_of(table, key_of(partition))))
            follow_again(connection, partition.model, names, policy)
            add_entry(connection, partition.model, write_entry(found))
        return found


def _tables_of_day() -> list[sa.Table]:
    """Return the tables that refer to the record of a day, before those that they refer to, and that of the record."""
    days = schema.partitions
    tables = reversed(schema.metadata.sorted_tables)
    return [table for table in tables if table is days or any(key.column.table is days for key in table.foreign_keys)]


def _about(partition: Partition) -> sa.ColumnElement[bool]:
    """Write the condition that a message is about a breach of a day, or is that of an alert that resolved on it."""
    table = schema.outbox
    return sa.and_(
        table.c.model == partition.model, sa.or_(table.c.breach == partition.day, table.c.day == partition.day)
    )


def _find(connection: sa.Connection, partition: Partition, filled: Sequence[Partition]) -> ForgottenDay:
    table = schema.outbox
    is_waiting = sa.and_(table.c.state == DeliveryState.PENDING.value, table.c.leased_until.is_(None))
    is_out = sa.or_(
        table.c.state == DeliveryState.SENT.value,
        sa.and_(table.c.state == DeliveryState.PENDING.value, table.c.leased_until.is_not(None)),
    )
    messages = {
        name: connection.scalar(sa.select(sa.func.count()).select_from(table).where(_about(partition), condition))
        for name, condition in (("sent", is_out), ("withdrawn", is_waiting))
    }
    counts = {one.name.removeprefix("mlmon_"): _count(connection, one, partition) for one in _COUNTED}
    version = connection.scalar(
        sa.select(schema.deliveries.c.version).where(is_of(schema.deliveries, key_of(partition)))
    )
    return ForgottenDay(
        state=stored_day(connection, partition),
        has_delivery=version is not None,
        labelled=0 if version is None else _count_labelled(connection, [partition, *filled], version),
        **counts,
        **{name: count or 0 for name, count in messages.items()},
    )


def _count(connection: sa.Connection, table: sa.Table, partition: Partition) -> int:
    query = sa.select(sa.func.count()).select_from(table).where(is_of(table, key_of(partition)))
    return connection.scalar(query) or 0


def _count_labelled(connection: sa.Connection, gone: Sequence[Partition], version: str) -> int:
    """Count the days whose performance rests on a delivery of labels, without those that go."""
    table = schema.label_bases
    is_other = table.c.day.not_in([one.day for one in gone])
    rests = sa.and_(table.c.model == gone[0].model, table.c.version == version, is_other)
    return connection.scalar(sa.select(sa.func.count()).select_from(table).where(rests)) or 0
