"""Stored magnitudes of the attributions of partitions and of the reference."""

from __future__ import annotations

import pyarrow as pa

from airflow_mlmon.drift.attributions import profile_magnitudes
from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.curated import open_columns
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.profiles.schema import ProfileSchema
from airflow_mlmon.spec.choices import Role

_REFERENCE = "attributions.profile"
# rows that are read at a time, each of which may have a vector of attributions
_BATCH = 1 << 14


def read_magnitudes(run: Run, schema: ProfileSchema, partition: Partition, version: str) -> Profile | None:
    """Read the magnitudes of a version, profiled now if they were not before; None if the spec has no attributions."""
    columns = run.spec.columns_of(Role.ATTRIBUTION)
    if not columns:
        return None
    uri = run.version_uri(partition, version, f"attributions-{schema.id}.profile")
    try:
        return Profile.from_bytes(run.files.read(uri))
    except NotFoundError:
        with open_columns(run, partition, version) as rows:
            batches = rows.batches([run.spec.id_column], where_there=columns, size=_BATCH)
            profile = profile_magnitudes(batches, run.spec, schema)
        run.files.write(uri, profile.to_bytes())
        return profile


def reference_magnitudes(run: Run, folder: str) -> Profile | None:
    """Read the magnitudes of the reference that is stored in a folder; None if it has no attributions."""
    try:
        return Profile.from_bytes(run.files.read(f"{folder}/{_REFERENCE}"))
    except NotFoundError:
        return None


def write_reference_magnitudes(run: Run, folder: str, table: pa.Table, schema: ProfileSchema) -> Profile | None:
    """Profile and write the magnitudes of the reference; None if the spec has no attributions."""
    if not run.spec.columns_of(Role.ATTRIBUTION):
        return None
    profile = profile_magnitudes([table], run.spec, schema)
    run.files.write(f"{folder}/{_REFERENCE}", profile.to_bytes())
    return profile
