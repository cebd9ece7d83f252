"""Rows of a day by hour of event time, for its page."""

from __future__ import annotations

from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.deciding.hours import lack_of, past_row_hours
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.reports.charts import by_hour
from airflow_mlmon.reports.hours import RowsByHour


def draw_hours(run: Run, partition: Partition, profile: Profile) -> RowsByHour | None:
    """Draw the rows by hour beside those expected; None if the hours of the rows are not known."""
    hours = past_row_hours(run, partition, profile)
    if hours is None or not hours.now.any():
        return None
    lack = lack_of(hours, partition)
    expected = () if lack else (hours.expected * hours.now.sum()).tolist()
    return RowsByHour(picture=by_hour(hours.now.tolist(), "rows", expected), zone=partition.zone, lack=lack)
