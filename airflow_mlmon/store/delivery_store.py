"""Part of the metric store that keeps deliveries of labels, and which of them the performance of a day rests on."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from functools import cache
from typing import Any

import sqlalchemy as sa

from airflow_mlmon.records import Delivery
from airflow_mlmon.store import schema
from airflow_mlmon.store.database import Database
from airflow_mlmon.store.rows import delivery_of, delivery_row, key_of
from airflow_mlmon.store.statements import bound, bound_range, deletion, in_range


class DeliveryStore:
    """Deliveries of labels of the models in a database."""

    _database: Database

    def save_delivery(self, delivery: Delivery) -> None:
        """Record a delivery of labels; a later one of the same day replaces it."""
        table, key = schema.deliveries, key_of(delivery.partition)
        with self._database.writing(delivery.partition.model) as connection:
            connection.execute(deletion(table, *key), bound(key))
            connection.execute(sa.insert(table), delivery_row(delivery))

    def deliveries(self, model: str, first: date, last: date) -> list[Delivery]:
        """Read the label deliveries of a range, in the order of the days."""
        with self._database.asking() as connection:
            found = connection.execute(_of_range(schema.deliveries), bound_range(model, first, last))
            return [delivery_of(row) for row in found]

    def label_bases(self, model: str, first: date, last: date) -> dict[date, set[str]]:
        """Read, by day of a range, the versions of the deliveries that its performance rests on."""
        bases: dict[date, set[str]] = defaultdict(set)
        with self._database.asking() as connection:
            for row in connection.execute(_of_range(schema.label_bases), bound_range(model, first, last)):
                bases[row.day].add(row.version)
        return bases


@cache
def _of_range(table: sa.Table) -> sa.Select[tuple[Any, ...]]:
    return sa.select(table).where(in_range(table)).order_by(table.c.day)
