"""Division of a day's rows by Druid, with the same numbers as from the curated rows and without reading rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date

from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.druid.ingestion import build_predictions_datasource
from airflow_mlmon.druid.labelling import LabelColumns, count_slices, label_slices
from airflow_mlmon.druid.load import Served, count_served
from airflow_mlmon.druid.profiling import profile_datasource
from airflow_mlmon.errors import ConfigError, PartitionConflictError
from airflow_mlmon.pipeline.druid.content import DatasourceDay, DatasourceKind
from airflow_mlmon.pipeline.druid.files import loaded_content
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.slices.rows import CuratedRows, DayRows, Divided, no_outcomes
from airflow_mlmon.pipeline.workspace.curated import open_curated
from airflow_mlmon.pipeline.workspace.outcomes import deliveries_of, profile_partition_outcomes
from airflow_mlmon.profiles.engine.local import profile_parquet
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.profiles.schema import ProfileSchema, SegmentSchema
from airflow_mlmon.records import PartitionState
from airflow_mlmon.spec.druid import Engine
from airflow_mlmon.tasks.outcome import OutcomeSchema
from airflow_mlmon.tasks.parts import OutcomeParts
from airflow_mlmon.tasks.registry import task_of


def day_rows(run: Run) -> DayRows:
    """Return the engine that divides the rows of past days, by the spec.

    Raises:
        ConfigError: the spec has `engine: druid`, and no Druid is configured.
    """
    if run.spec.druid.engine is Engine.LOCAL:
        return CuratedRows(run)
    if run.druid is None:
        raise ConfigError(
            "`druid: {engine: druid}` needs a connection to Druid.",
            hint="create the Airflow connection that the spec names",
        )
    return DruidRows(run, run.druid.connect())


class DruidRows:
    """Rows in Druid for days that it serves as in the store, and curated rows for the others."""

    def __init__(self, run: Run, client: DruidClient) -> None:
        self._run = run
        self._client = client
        self._curated = CuratedRows(run)
        self._datasource = build_predictions_datasource(run.spec)
        self._types = {name: column.type for name, column in run.spec.columns.items()}
        self._served: dict[date, bool] = {}

    def reads(self, state: PartitionState, segments: Sequence[SegmentSchema]) -> bool:
        """Return True if rows must be read, because Druid lacks them, their labels, or a column of the slices."""
        held = {dimension.name for dimension in self._datasource.dimensions}
        if not all(held.issuperset(segment.columns) for segment in segments):
            return True
        day = state.partition.day
        if day not in self._served:
            self._served[day] = self._is_served(state)
        return not self._served[day]

    def count(self, state: PartitionState, segments: Sequence[SegmentSchema]) -> Sequence[Counter[str | None]]:
        """Count the rows of each value."""
        if self.reads(state, segments):
            return self._curated.count(state, segments)
        return count_slices(self._client, self._datasource.name, state.partition, segments, self._types)

    def divide(self, state: PartitionState, schema: ProfileSchema, outcomes: OutcomeSchema) -> Divided:
        """Profile the slices in Druid.

        Raises:
            PartitionConflictError: the rows were replaced meanwhile; a retry may succeed.
        """
        if self.reads(state, schema.segments):
            return self._curated.divide(state, schema, outcomes)
        profile = profile_datasource(
            self._client,
            self._datasource.name,
            state.partition,
            schema,
            self._types,
            local=lambda rest: self._profile_here(state, rest),
        )
        labelled = self._label(state, schema.segments, outcomes)
        if not self._is_served(state):
            raise PartitionConflictError(f"The rows of {state.partition} in Druid were replaced during counting.")
        return profile, labelled

    def _label(self, state: PartitionState, segments: Sequence[SegmentSchema], outcomes: OutcomeSchema) -> OutcomeParts:
        """Count the outcomes of the slices in Druid, or read their columns where a task cannot be counted there."""
        run, spec, task = self._run, self._run.spec, task_of(self._run.spec)
        if spec.labels is None:
            return no_outcomes(run)
        if task.counting is None:
            version, deliveries = str(state.version), deliveries_of(run, state.partition)
            return profile_partition_outcomes(run, state.partition, version, deliveries, segments, schema=outcomes)
        columns = LabelColumns(label=spec.labels.label, outputs={role: spec.column_of(role) for role in task.types})
        return label_slices(
            self._client,
            self._datasource.name,
            state.partition,
            segments,
            task=task,
            types=self._types,
            columns=columns,
        )

    def _profile_here(self, state: PartitionState, schema: ProfileSchema) -> Profile:
        with open_curated(self._run, state.partition, str(state.version)) as rows:
            return profile_parquet(rows.paths, schema)

    def _is_served(self, state: PartitionState) -> bool:
        place = DatasourceDay(kind=DatasourceKind.PREDICTIONS, datasource=self._datasource, day=state.partition)
        content = loaded_content(self._run, place)
        if content is None:
            self._run.progress(f"{place.key} differs between Druid and the store: reading its rows")
            return False
        expected = Served(rows=content.rows, of_version=content.rows)
        return count_served(self._client, self._datasource.name, state.partition, content.version) == expected
