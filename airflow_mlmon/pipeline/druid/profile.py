"""Profile of a day by the engine of the spec: its rows are loaded into Druid and profiled there.

They are loaded before the evaluation, unlike with the local engine: until the day is published, Druid serves rows that
are not in the store yet. The step of Druid then finds and verifies this load.
"""

from __future__ import annotations

from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.druid.ingestion import build_predictions_datasource
from airflow_mlmon.druid.load import load_partition
from airflow_mlmon.druid.profiling import profile_datasource
from airflow_mlmon.druid.requirements import check_cluster
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.druid.content import DatasourceDay, DatasourceKind, check_workspace, is_kept, make_input_of
from airflow_mlmon.pipeline.druid.files import delete_inputs
from airflow_mlmon.pipeline.druid.load import hand_in, load_of
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.curated import open_curated
from airflow_mlmon.profiles.engine.local import profile_parquet
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.profiles.schema import ProfileSchema
from airflow_mlmon.spec.druid import Engine


def profile_version(run: Run, partition: Partition, version: str, schema: ProfileSchema) -> Profile:
    """Profile one version of a partition; a day outside Druid's retention is profiled locally.

    Raises:
        ConfigError: the spec has `engine: druid`, and no Druid is configured or it lacks a needed feature.
        ServiceError: Druid does not reply, or did not load the rows.
        PartitionConflictError: other rows replaced them meanwhile; a retry may succeed.
    """
    if run.spec.druid.engine is Engine.DRUID:
        if run.druid is None:
            raise ConfigError(
                "`druid: {engine: druid}` needs a connection to Druid.",
                hint="create the Airflow connection that the spec names",
            )
        if is_kept(run, partition, run.druid.today):
            return _profile_in_druid(run, partition, version, schema)
    return _profile_here(run, partition, version, schema)


def _profile_here(run: Run, partition: Partition, version: str, schema: ProfileSchema) -> Profile:
    with open_curated(run, partition, version) as rows:
        return profile_parquet(rows.paths, schema, clock=run.clock)


def _profile_in_druid(run: Run, partition: Partition, version: str, schema: ProfileSchema) -> Profile:
    if run.druid is None:
        raise AssertionError("checked by the caller")
    client = run.druid.connect()
    check_workspace(run)
    check_cluster(client, run.spec.druid)
    place = DatasourceDay(
        kind=DatasourceKind.PREDICTIONS, datasource=build_predictions_datasource(run.spec), day=partition
    )
    if not _load(run, client, place, version):
        return Profile.empty(schema)
    run.progress("profiling in Druid")
    return profile_datasource(
        client,
        place.datasource.name,
        partition,
        schema,
        {name: column.type for name, column in run.spec.columns.items()},
        clock=run.clock,
        local=lambda rest: _profile_here(run, partition, version, rest),
    )


def _load(run: Run, client: DruidClient, place: DatasourceDay, version: str) -> int:
    """Load one version of a day, and return its number of rows."""
    with make_input_of(run, place, version) as made:
        if made.content.rows:
            load = load_of(run, place, made.content)
            load_partition(client, load, lambda task_id: hand_in(run, client, place, made, task_id))
            delete_inputs(run, client, place)
        return made.content.rows
