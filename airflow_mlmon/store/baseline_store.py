"""Part of the metric store that keeps baselines: the accepted ones, and those that days were compared with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from airflow_mlmon.baselines import BaselineFacts, BaselinePin
from airflow_mlmon.partition import Partition
from airflow_mlmon.store import compared, pins
from airflow_mlmon.store.database import Database


class BaselineStore:
    """Baselines of the models in a database."""

    _database: Database

    def save_baseline(self, model: str, pin: BaselinePin) -> None:
        """Add a pin of the model's baseline; earlier pins are unchanged.

        Raises:
            StateError: its number is not the next one, because another was accepted meanwhile, or it
                begins on or before an evaluated day; nothing is written.
        """
        with self._database.writing(model) as connection:
            pins.add_pin(connection, model, pin)

    def baselines(self, model: str) -> list[BaselinePin]:
        """List the pins of the model's baseline, in the order in which they were accepted."""
        with self._database.asking() as connection:
            return pins.pins_of(connection, model)

    def last_evaluated_day(self, model: str) -> date | None:
        """Find the last evaluated day of the model; None if there is none."""
        with self._database.asking() as connection:
            return pins.last_evaluated_day(connection, model)

    def compared_with(self, partition: Partition) -> list[BaselineFacts]:
        """Return the baselines that a partition was compared with; none if it was not evaluated."""
        with self._database.asking() as connection:
            return compared.compared_with(connection, partition)

    def day_zone(self, model: str) -> str | None:
        """Find the zone whose days the partitions of the model are; None if it has none."""
        with self._database.asking() as connection:
            return pins.day_zone(connection, model)

    def days_in_files(self, model: str) -> set[date]:
        """Return the days whose baselines an earlier release kept in a file that was not imported yet."""
        with self._database.asking() as connection:
            return compared.days_in_files(connection, model)

    def import_baselines(self, partition: Partition, baselines: Sequence[BaselineFacts]) -> None:
        """Import the baselines of such a day, unless a run has evaluated it meanwhile."""
        with self._database.writing(partition.model) as connection:
            compared.import_baselines(connection, partition, baselines)
