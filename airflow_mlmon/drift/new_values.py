"""New values of categories: how many of them a new day of the reference brings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.profiles.columns.further import MAX_FURTHER
from airflow_mlmon.profiles.engine.pinning import MAX_VOCABULARY
from airflow_mlmon.profiles.schema import Kind, ProfileSchema
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.metrics import NEW_CATEGORY_RATE
from airflow_mlmon.statistics.intervals import wilson_interval
from airflow_mlmon.statistics.unseen import FEWEST_DAYS, estimate_unseen, is_closed

# values of a column that are known, by name or by hash
_PINNED = MAX_VOCABULARY + MAX_FURTHER


@dataclass(frozen=True, slots=True, kw_only=True)
class Novelty:
    """Rows of the reference whose value would be new without them.

    Attributes:
        values: Number of values.
        once: Rows whose value occurs once.
        alone: Values that occur on no other day.
        by_day: Rows whose value occurs on no other day, by day.
        rows: Rows with a value, by day.
    """

    values: int
    once: int
    alone: int
    by_day: Mapping[date, int]
    rows: Mapping[date, int]

    @property
    def share(self) -> float:
        """Estimate the share of new values in the next rows (Good 1953), and at least that on the next day."""
        return estimate_unseen(max(self.once, sum(self.by_day.values())), sum(self.rows.values()))

    @property
    def is_closed(self) -> bool:
        """Whether no new value is to come."""
        return not self.why_open

    @property
    def why_open(self) -> str:
        """Return why new values may come; empty if none is to."""
        days = sum(1 for day in self.rows if day is not None)
        if days < FEWEST_DAYS:
            return f"its values are known of {days} days, fewer than {FEWEST_DAYS}"
        if self.values > _PINNED:
            return f"more values than the {_PINNED:,} that are pinned"
        if not is_closed(self.alone, days):
            return f"open vocabulary: {self.alone:,} of {self.values:,} values occur on one day alone"
        return ""


def measure_novelty(schema: ProfileSchema, table: pa.Table, days: pa.ChunkedArray) -> dict[str, Novelty]:
    """Count the values of each category that occur once, or on one day alone.

    Args:
        schema: the pinned columns.
        table: the rows of the reference.
        days: the day of each row; null without an event time.
    """
    there = set(table.column_names)
    names = [one.name for one in schema.columns if one.kind is Kind.CATEGORY and one.name in there]
    return {name: _count(table.column(name), days) for name in names}


def _count(values: pa.ChunkedArray, days: pa.ChunkedArray) -> Novelty:
    held = pa.table({"value": values.cast(pa.string()), "day": days})
    held = held.filter(held.column("value").is_valid())
    by_value = held.group_by("value").aggregate([("day", "min"), ("day", "max"), ("value", "count")])
    once = pc.sum(pc.equal(by_value.column("value_count"), 1)).as_py() or 0
    alone = by_value.filter(pc.equal(by_value.column("day_min"), by_value.column("day_max")))
    of_day = alone.group_by("day_min").aggregate([("value_count", "sum")])
    rows = held.group_by("day").aggregate([("value", "count")])
    return Novelty(
        values=by_value.num_rows,
        once=once,
        alone=alone.num_rows,
        by_day=dict(zip(of_day.column(0).to_pylist(), of_day.column(1).to_pylist(), strict=True)),
        rows=dict(zip(rows.column(0).to_pylist(), rows.column(1).to_pylist(), strict=True)),
    )


def without_own_day(metrics: Iterable[MetricValue], novelty: Mapping[str, Novelty], day: date) -> list[MetricValue]:
    """Return the metrics of a reference day with the new-category rates that the other days leave.

    The vocabulary is that of all days, so that by it no day would have a new value.
    """
    return [
        _left_out(value, novelty[str(value.column)], day)
        if value.metric == NEW_CATEGORY_RATE and value.column in novelty and value.segment is None and value.rows
        else value
        for value in metrics
    ]


def _left_out(value: MetricValue, novelty: Novelty, day: date) -> MetricValue:
    found = min(novelty.by_day.get(day, 0), value.rows)
    return replace(value, value=found / value.rows).within(wilson_interval(found, value.rows))
