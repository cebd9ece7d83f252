"""Stored operational profiles of partitions, and the rows with an error status that they are made of."""

from __future__ import annotations

import pyarrow as pa

from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.partition_files import read_curated, read_workspace_table, to_parquet
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import MetricValue
from airflow_mlmon.tasks.operations import (
    count_traffic,
    measure_operations,
    operational_columns,
    profile_operations,
)
from airflow_mlmon.tasks.summary import summary_metrics

_ERRORS = "errors.parquet"


def write_operations(run: Run, partition: Partition, version: str, rows: pa.Table, errors: pa.Table) -> None:
    """Write the rows with an error status, and the operational profile of all rows, if the spec asks for it."""
    if run.spec.operational is None:
        return
    run.files.write(run.version_uri(partition, version, _ERRORS), to_parquet(errors))
    _write(run, partition, version, [rows, errors])


def read_operations(run: Run, partition: Partition, version: str) -> Profile | None:
    """Read the operational profile of a version; None if the spec does not ask for it.

    Rows that were curated before it did are profiled now.
    """
    if run.spec.operational is None:
        return None
    try:
        return Profile.from_bytes(run.files.read(_uri(run, partition, version)))
    except NotFoundError:
        columns = operational_columns(run.spec)
        rows = read_curated(run, partition, version, [], where_there=columns)
        try:
            errors = [read_workspace_table(run, run.version_uri(partition, version, _ERRORS), [], columns)]
        except NotFoundError:
            errors = []
        return _write(run, partition, version, [rows, *errors])


def measure_rows(run: Run, profile: Profile, operations: Profile | None) -> list[MetricValue]:
    """Measure rows by their profile and their operational profile."""
    summary = summary_metrics(profile, run.spec)
    if operations is None:
        return summary
    return [*count_traffic(summary, operations), *measure_operations(operations, run.spec)]


def profile_requests(run: Run, tables: list[pa.Table]) -> Profile | None:
    """Profile the requests in tables, answered and failed; None if the spec does not ask for it."""
    if run.spec.operational is None:
        return None
    names = [name for name in operational_columns(run.spec) if name in tables[0].column_names]
    return profile_operations(pa.concat_tables([table.select(names) for table in tables]), run.spec)


def _write(run: Run, partition: Partition, version: str, tables: list[pa.Table]) -> Profile | None:
    profile = profile_requests(run, tables)
    if profile is not None:
        run.files.write(_uri(run, partition, version), profile.to_bytes())
    return profile


def _uri(run: Run, partition: Partition, version: str) -> str:
    # by the declaration, which says what an error is
    return run.version_uri(partition, version, f"operations-{run.fingerprint}.profile")
