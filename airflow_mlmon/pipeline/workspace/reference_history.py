"""Days of the reference as history for later days, and the parts of it that are pinned beside its profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from airflow_mlmon.drift.attributions import measure_attributions, profile_magnitudes
from airflow_mlmon.drift.multivariate import SampleSizes
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.profiles.schema import ProfileSchema
from airflow_mlmon.records import Family, MetricValue, PartitionState, Results, Status
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.tasks.outcome import OutcomeSchema
from airflow_mlmon.tasks.registry import task_of


def publish_reference_day(
    run: Run,
    day: date,
    counted: tuple[str, int],
    of_labels: Sequence[MetricValue],
    of_rows: Sequence[MetricValue],
    *,
    is_later: bool,
) -> None:
    """Store a day of the reference, with the id of its profile schema and its rows, as history for later days.

    Its metrics are those beside the other days: by its own values it would look as later days never will.

    A day whose own rows are served stays as it is; so does a day of the first version, if this is a later one.
    """
    partition = run.partition(day)
    if (known := run.store.state(partition)) is not None and (is_later or known.version is not None):
        return
    schema_id, rows = counted
    results = [Results(partition=partition, family=Family.PREDICTIONS, metrics=tuple(of_rows))]
    if of_labels:
        results.append(Results(partition=partition, family=Family.LABELS, metrics=tuple(of_labels)))
    state = PartitionState(
        partition=partition,
        status=Status.OK,
        version=None,
        schema=schema_id,
        rows_read=rows,
        rows_accepted=rows,
        rows_quarantined=0,
        evaluated=False,
    )
    run.store.publish(state, results, supersedes=None)


def measure_day_attributions(
    run: Run, rows: pa.Table, schema: ProfileSchema, magnitudes: Profile | None
) -> list[MetricValue]:
    """Measure the attributions of a day of the reference against those of all its days."""
    if magnitudes is None:
        return []
    return measure_attributions(profile_magnitudes([rows], run.spec, schema), magnitudes)


def pin_reference_outcomes(run: Run, profile: Profile, joined: pa.Table | None) -> OutcomeSchema:
    """Pin the schema of the outcomes from the outputs of the reference and its labels."""
    roles = {run.spec.columns[name].role: profile.columns[name] for name in run.spec.outputs if name in profile.columns}
    return task_of(run.spec).pin_outcomes(roles, joined)


def sampled_columns(spec: ModelSpec, table: pa.Table) -> list[str]:
    """Return the columns of the sample that is kept of the reference."""
    # without vectors: no reader of the sample uses them
    left_out, there = set(spec.vectors), set(table.column_names)
    return [name for name in spec.columns if name in there and name not in left_out]


def read_sizes(content: Mapping[str, Any]) -> SampleSizes:
    """Return the stored sizes; an older release stored a limit and its number of days."""
    most = content["rows_current"]
    fewest = content["fewest_current"] if "fewest_current" in content else (most + 1) // 2 * bool(content["nights"])
    return SampleSizes(rows_reference=content["rows_reference"], rows_current=most, fewest_current=fewest)
