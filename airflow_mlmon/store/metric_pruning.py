"""Part of the metric store that deletes the metrics of old days."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

import sqlalchemy as sa

from airflow_mlmon.store import schema
from airflow_mlmon.store.database import Database

# far below the 32,766 values that SQLite accepts in a statement
_BATCH = 500


class MetricPruning:
    """Metrics of the models in a database, by their age."""

    _database: Database

    def count_metrics(self, model: str, last: date, *, leave_out: Collection[str] = ()) -> dict[date, int]:
        """Count the metrics of each day up to the last one, but for some."""
        table = schema.metrics
        of_range = sa.and_(table.c.model == model, table.c.day <= last, table.c.metric.not_in(leave_out))
        query = (
            sa.select(table.c.day, sa.func.count().label("metrics"))
            .where(of_range)
            .group_by(table.c.day)
            .order_by(table.c.day)
        )
        with self._database.asking() as connection:
            return {row.day: row.metrics for row in connection.execute(query)}

    def delete_metrics(self, model: str, days: Sequence[date], *, keep: Collection[str] = ()) -> None:
        """Delete the metrics of some days, but for some, in one transaction; verdicts and alerts stay."""
        table = schema.metrics
        if not days:
            return
        with self._database.writing(model) as connection:
            for start in range(0, len(days), _BATCH):
                of_days = table.c.day.in_(days[start : start + _BATCH])
                connection.execute(sa.delete(table).where(table.c.model == model, of_days, table.c.metric.not_in(keep)))
