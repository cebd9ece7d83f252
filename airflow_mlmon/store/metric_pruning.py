"""Part of the metric store that deletes records of old days: metrics, and what verdicts rest on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

import sqlalchemy as sa

from airflow_mlmon.store import schema
from airflow_mlmon.store.database import Database

# far below the 32,766 values that SQLite accepts in a statement
_BATCH = 500


class MetricPruning:
    """Records of the models in a database, by their age."""

    _database: Database

    def count_metrics(self, model: str, last: date, *, leave_out: Collection[str] = ()) -> dict[date, int]:
        """Count the metrics of each day up to the last one, but for some."""
        return self._count(schema.metrics, model, last, schema.metrics.c.metric.not_in(leave_out))

    def count_bases(self, model: str, last: date) -> dict[date, int]:
        """Count the days that the verdicts of each day up to the last one rest on."""
        return self._count(schema.evaluation_bases, model, last)

    def delete_metrics(self, model: str, days: Sequence[date], *, keep: Collection[str] = ()) -> None:
        """Delete the metrics of some days, but for some, in one transaction; verdicts and alerts stay."""
        self._delete(schema.metrics, model, days, schema.metrics.c.metric.not_in(keep))

    def delete_bases(self, model: str, days: Sequence[date]) -> None:
        """Delete what the verdicts of some days rest on, in one transaction; the verdicts stay."""
        self._delete(schema.evaluation_bases, model, days)

    def _count(self, table: sa.Table, model: str, last: date, *conditions: sa.ColumnElement[bool]) -> dict[date, int]:
        query = sa.select(table.c.day, sa.func.count().label("number"))
        query = query.where(table.c.model == model, table.c.day <= last, *conditions)
        with self._database.asking() as connection:
            found = connection.execute(query.group_by(table.c.day).order_by(table.c.day))
            return {row.day: row.number for row in found}

    def _delete(self, table: sa.Table, model: str, days: Sequence[date], *conditions: sa.ColumnElement[bool]) -> None:
        if not days:
            return
        with self._database.writing(model) as connection:
            for start in range(0, len(days), _BATCH):
                of_days = table.c.day.in_(days[start : start + _BATCH])
                connection.execute(sa.delete(table).where(table.c.model == model, of_days, *conditions))
