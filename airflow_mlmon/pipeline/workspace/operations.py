"""Stored operational profiles of partitions, and the rows with an error status that they are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.curated import open_columns
from airflow_mlmon.pipeline.workspace.partition_files import read_workspace_table
from airflow_mlmon.profiles.profile import Profile, sum_profiles
from airflow_mlmon.records import MetricValue
from airflow_mlmon.tasks.operations import (
    count_traffic,
    measure_operations,
    operational_columns,
    operational_schema,
    profile_operations,
)
from airflow_mlmon.tasks.summary import summary_metrics

_ERRORS = "errors.parquet"


def write_operations(run: Run, partition: Partition, version: str, rows: Path, errors: Path) -> None:
    """Write the rows with an error status, and the operational profile of all rows, if the spec asks for it.

    `rows` and `errors` are local Parquet files.
    """
    profile = profile_request_files(run, rows, errors)
    if profile is not None:
        keep_operations(run, partition, version, profile, errors)


def keep_operations(run: Run, partition: Partition, version: str, profile: Profile, errors: Path) -> None:
    """Write an operational profile, and the file of the rows with an error status."""
    run.files.upload(run.version_uri(partition, version, _ERRORS), errors)
    run.files.write(_uri(run, partition, version), profile.to_bytes())


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
        try:
            errors = [read_workspace_table(run, run.version_uri(partition, version, _ERRORS), [], columns)]
        except NotFoundError:
            errors = []
        with open_columns(run, partition, version) as rows:
            return _write(run, partition, version, chain(rows.batches([], where_there=columns), errors))


def measure_rows(run: Run, profile: Profile, operations: Profile | None) -> list[MetricValue]:
    """Measure rows by their profile and their operational profile."""
    summary = summary_metrics(profile, run.spec)
    if operations is None:
        return summary
    return [*count_traffic(summary, operations), *measure_operations(operations, run.spec)]


def profile_requests(run: Run, tables: Iterable[pa.Table]) -> Profile | None:
    """Profile the requests in tables, answered and failed; None if the spec does not ask for it."""
    if run.spec.operational is None:
        return None
    profiles = (profile_operations(table, run.spec) for table in tables)
    return sum_profiles(operational_schema(run.spec), profiles)


def profile_request_files(run: Run, rows: Path, errors: Path) -> Profile | None:
    """Profile the requests in two local Parquet files; None if the spec does not ask for it."""
    return None if run.spec.operational is None else profile_requests(run, _blocks(run, rows, errors))


def _blocks(run: Run, *paths: Path) -> Iterator[pa.Table]:
    """Yield the columns of requests, a row group at a time."""
    for path in paths:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            names = [name for name in operational_columns(run.spec) if name in file.schema_arrow.names]
            for group in range(file.num_row_groups):
                yield file.read_row_group(group, columns=names)


def _write(run: Run, partition: Partition, version: str, tables: Iterable[pa.Table]) -> Profile | None:
    profile = profile_requests(run, tables)
    if profile is not None:
        run.files.write(_uri(run, partition, version), profile.to_bytes())
    return profile


def _uri(run: Run, partition: Partition, version: str) -> str:
    # by the declaration, which says what an error is
    return run.version_uri(partition, version, f"operations-{run.fingerprint}.profile")
