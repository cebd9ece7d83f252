"""Rows of a day by hour of event time, for its page."""

from __future__ import annotations

from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.pipeline.deciding.hours import lack_of, past_row_hours
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.partition_files import profile_uri
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import PartitionState
from airflow_mlmon.reports.charts import by_hour
from airflow_mlmon.reports.hours import RowsByHour


def hours_of(run: Run, state: PartitionState) -> RowsByHour | None:
    """Draw the rows by hour beside those expected; None if the hours of the rows are not known."""
    uri = profile_uri(run, state.partition, str(state.version), str(state.schema))
    try:
        profile = Profile.from_bytes(run.files.read(uri))
    except NotFoundError:
        return None
    hours = past_row_hours(run, state.partition, profile)
    if hours is None or not hours.now.any():
        return None
    lack = lack_of(hours, state.partition)
    expected = () if lack else (hours.expected * hours.now.sum()).tolist()
    return RowsByHour(picture=by_hour(hours.now.tolist(), "rows", expected), zone=state.partition.zone, lack=lack)
