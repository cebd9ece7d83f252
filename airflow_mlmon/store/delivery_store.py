"""Part of the metric store that keeps deliveries of labels, and which of them the performance of a day rests on."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

import sqlalchemy as sa

from airflow_mlmon.records import Delivery
from airflow_mlmon.store import schema
from airflow_mlmon.store.database import Database
from airflow_mlmon.store.rows import delivery_of, delivery_row, is_of, key_of


class DeliveryStore:
    """Deliveries of labels of the models in a database."""

    _database: Database

    def save_delivery(self, delivery: Delivery) -> None:
        """Record a delivery of labels; a later one of the same day replaces it."""
        table, key = schema.deliveries, key_of(delivery.partition)
        with self._database.writing(delivery.partition.model) as connection:
            connection.execute(sa.delete(table).where(is_of(table, key)))
            connection.execute(sa.insert(table).values(delivery_row(delivery)))

    def deliveries(self, model: str, first: date, last: date) -> list[Delivery]:
        """Read the label deliveries of a range, in the order of the days."""
        table = schema.deliveries
        of_range = sa.and_(table.c.model == model, table.c.day.between(first, last))
        with self._database.asking() as connection:
            found = connection.execute(sa.select(table).where(of_range).order_by(table.c.day))
            return [delivery_of(row) for row in found]

    def label_bases(self, model: str, first: date, last: date) -> dict[date, set[str]]:
        """Read, by day of a range, the versions of the deliveries that its performance rests on."""
        table = schema.label_bases
        query = sa.select(table).where(table.c.model == model, table.c.day.between(first, last))
        bases: dict[date, set[str]] = defaultdict(set)
        with self._database.asking() as connection:
            for row in connection.execute(query):
                bases[row.day].add(row.version)
        return bases
