"""Profiles of past days under the pinned profile schema, from their curated rows, with the metrics that follow.

The archive is not read. Labels, verdicts and alerts of the past are not changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import pyarrow as pa

from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.pages.report import write_pages
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.arrival import ARRIVAL_METRICS
from airflow_mlmon.pipeline.steps.drift import compare_day
from airflow_mlmon.pipeline.steps.performance import measure_labels
from airflow_mlmon.pipeline.steps.rows import row_metrics
from airflow_mlmon.pipeline.workspace.curated import has_curated, open_curated, read_curated
from airflow_mlmon.pipeline.workspace.estimates import estimated_metrics
from airflow_mlmon.pipeline.workspace.outcomes import last_measured, read_outcomes
from airflow_mlmon.pipeline.workspace.partition_files import profile_uri
from airflow_mlmon.pipeline.workspace.reference import StoredReference, pin_reference_again, renew_reference
from airflow_mlmon.pipeline.workspace.unfit import find_unfit
from airflow_mlmon.profiles.engine.local import profile_parquet
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import PartitionState
from airflow_mlmon.spec.metrics import DRIFTED_COLUMNS, DRIFTED_SHARE, LABEL_METRICS, ROWS_BY_HOUR
from airflow_mlmon.tasks.registry import METRICS

# metrics that follow from the profile: not those of the arrival, of labels, or of verdicts
_FROM_PROFILE = (
    frozenset(name for name, metric in METRICS.items() if not metric.needs_labels)
    - ARRIVAL_METRICS
    # what follows from an evaluation stays until the next
    - {DRIFTED_COLUMNS, DRIFTED_SHARE, ROWS_BY_HOUR, *LABEL_METRICS}
)

# later days that a column is pinned again from
_PINNED_DAYS = 28


class Carried(StrEnum):
    """Result of a day."""

    CARRIED = "profiled again"
    ALREADY = "has this profile schema already"
    NO_DAY = "was not run"
    OF_REFERENCE = "day of an earlier reference: no curated rows"
    ROWS_GONE = "its curated rows are missing: run it again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reprofiled:
    """One day with its result, and its profile schema before."""

    day: date
    state: Carried
    rows: int
    before: str | None
    schema: str


def reprofile(run: Run, first: date, last: date) -> Iterator[Reprofiled]:
    """Profile the days of a range under the pinned schema, oldest first, each in one transaction.

    The schema is pinned now if the spec has changed since the last run, or an older release has pinned it. Columns of
    which the reference has no value, or whose later values it cannot tell apart, are pinned again from the rows of
    these days. The pages are written at the end.

    Raises:
        PartitionConflictError: a day was run meanwhile; days profiled before it are kept, and a second call does the
            rest.
    """
    reference = _fit(run, renew_reference(run), list(run.partitions(first, last)))
    changed = []
    for partition in run.partitions(first, last):
        run.progress(f"profile of {partition.key}")
        stored = run.store.state(partition)
        state = _carry(run, reference, stored)
        if state is Carried.CARRIED and stored is not None and stored.evaluated:
            changed.append(partition)
        yield Reprofiled(
            day=partition.day,
            state=state,
            rows=stored.rows_accepted if stored else 0,
            before=stored.schema if stored else None,
            schema=reference.schema.id,
        )
    if changed:
        write_pages(run, changed)


def _fit(run: Run, reference: StoredReference, partitions: Sequence[Partition]) -> StoredReference:
    """Return the reference, pinned again from later days if these have columns that it does not fit."""
    held = [state for partition in partitions if (state := run.store.state(partition)) and state.version]
    profiles = [
        Profile.from_bytes(run.files.read(profile_uri(run, state.partition, str(state.version), reference.schema.id)))
        for state in held
        if _has_profile(run, state.partition, str(state.version), reference.schema.id)
    ]
    unfit = find_unfit(reference.schema, reference.profile, profiles)
    if not unfit:
        return reference
    held = [state for state in held if has_curated(run, state.partition, str(state.version))][-_PINNED_DAYS:]
    if not held:
        return reference
    run.progress(f"pinning again: {', '.join(sorted(unfit))}")
    rows = [
        read_curated(run, state.partition, str(state.version), [run.spec.id_column], sorted(unfit)) for state in held
    ]
    return pin_reference_again(run, reference, pa.concat_tables(rows, promote_options="default").select(sorted(unfit)))


def _carry(run: Run, reference: StoredReference, state: PartitionState | None) -> Carried:
    if state is None or (state.version is None and state.schema is None):
        return Carried.NO_DAY
    schema = reference.schema.id
    if state.version is None:
        return Carried.ALREADY if state.schema == schema else Carried.OF_REFERENCE
    if (
        state.schema == schema
        and _has_profile(run, state.partition, state.version, schema)
        and not _has_other_outcomes(run, reference, state.partition, state.version)
    ):
        return Carried.ALREADY
    try:
        with open_curated(run, state.partition, state.version) as rows:
            profile = profile_parquet(rows.paths, reference.schema, clock=run.clock)
    except NotFoundError:
        return Carried.ROWS_GONE
    run.files.write(profile_uri(run, state.partition, state.version, schema), profile.to_bytes())
    measured = measure_labels(run, state.partition, state.version)
    # a day that nobody has evaluated has no drift
    drift = compare_day(run, reference, state.partition, state.version, profile) if state.evaluated else None
    run.store.replace_profile(
        state.partition,
        state.version,
        schema,
        [
            *row_metrics(run, reference, state.partition, state.version, profile),
            *(drift.metrics if drift else ()),
            *estimated_metrics(run, measured),
        ],
        replaces=_FROM_PROFILE if run.spec.labels else _FROM_PROFILE.union(run.spec.own_metrics),
        baselines=drift.baselines if drift else (),
    )
    return Carried.CARRIED


def _has_other_outcomes(run: Run, reference: StoredReference, partition: Partition, version: str) -> bool:
    """Return whether labels were measured under another schema, such as with other classes or another threshold."""
    found = last_measured(run, partition, version)
    return found is not None and read_outcomes(run, found.uri).whole.schema not in (None, reference.outcomes)


def _has_profile(run: Run, partition: Partition, version: str, schema: str) -> bool:
    try:
        run.files.read(profile_uri(run, partition, version, schema))
    except NotFoundError:
        return False
    return True
