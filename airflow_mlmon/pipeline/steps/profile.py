"""Second step: profile the partition, and the missing days of its history."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.arrival import arrival_metrics
from airflow_mlmon.pipeline.steps.deliveries import take_delivery
from airflow_mlmon.pipeline.steps.performance import label_results, measure_labels
from airflow_mlmon.pipeline.steps.prepare import Prepared, prepare_partition
from airflow_mlmon.pipeline.steps.rows import row_metrics
from airflow_mlmon.pipeline.telemetry import note, observed
from airflow_mlmon.pipeline.workspace.estimates import estimated_metrics
from airflow_mlmon.pipeline.workspace.partition_files import profile_uri
from airflow_mlmon.pipeline.workspace.reference import StoredReference, ensure_reference
from airflow_mlmon.pipeline.workspace.stored_profiles import read_profile
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import Arrival, Family, PartitionState, Results


@dataclass(frozen=True, slots=True, kw_only=True)
class Profiled:
    """Summary of a profiled partition."""

    uri: str
    schema: str
    rows: int
    history_filled: int


@observed("profile_partition")
def profile_partition(run: Run, prepared: Prepared) -> Profiled:
    """Fill the gaps of the history, and profile the partition unless it was profiled with its rows."""
    reference = ensure_reference(run, prepared.partition.day)
    filled = fill_history(run, reference, prepared.partition)
    profile = _profile(run, reference, prepared)
    note(rows=profile.rows)
    return Profiled(
        uri=profile_uri(run, prepared.partition, prepared.version, reference.schema.id),
        schema=reference.schema.id,
        rows=profile.rows,
        history_filled=filled,
    )


def _profile(run: Run, reference: StoredReference, prepared: Prepared) -> Profile:
    """Return the profile made with the curated rows; made now for Druid, or if the schema was pinned since."""
    uri = profile_uri(run, prepared.partition, prepared.version, reference.schema.id)
    try:
        return read_profile(run, uri)
    except NotFoundError:
        from airflow_mlmon.pipeline.druid.profile import profile_version  # noqa: PLC0415 - imports Druid's client

        run.progress("profiling")
        profile = profile_version(run, prepared.partition, prepared.version, reference.schema)
        run.files.write(uri, profile.to_bytes())
        return profile


def fill_history(run: Run, reference: StoredReference, partition: Partition) -> int:
    """Profile the trailing days that have not been run, and return their number.

    The history begins with the reference's own days and the spec's first day. A filled day is stored as not evaluated;
    its own run replaces it.
    """
    days = max(run.spec.history.days, run.spec.duplicates.days if run.spec.duplicates else 0)
    first = max(partition.shift(-days).day, run.spec.start)
    known = {state.partition.day for state in run.store.states(run.model, first, partition.day)}
    missing = [
        past
        for offset in range(days, 0, -1)
        if (past := partition.shift(-offset)).day >= first and past.day not in known and past.day not in reference.days
    ]
    for position, past in enumerate(missing, 1):
        run.progress(f"history: day {position} of {len(missing)}")
        fill_day(run, reference, past, partition)
    return len(missing)


def fill_days_before(run: Run, reference: StoredReference, partition: Partition) -> None:
    """Fill the history before the partition itself, if its ids are searched in earlier days.

    Otherwise its first run would find fewer duplicates than its second.
    """
    if run.spec.duplicates is not None:
        # its labels belong to these days, and its own run would receive them before filling the days
        take_delivery(run, partition)
        fill_history(run, reference, partition)


def fill_day(run: Run, reference: StoredReference, past: Partition, now: Partition) -> None:
    """Profile a day that was not run, with the labels delivered before `now`, and store it as not evaluated."""
    prepared = prepare_partition(run, past)
    profile = _profile(run, reference, prepared)
    state = to_state(prepared, schema=reference.schema.id, evaluated=False)
    taken = {delivery.partition.day for delivery in run.store.deliveries(run.model, past.day, now.day)}
    for later in _delivery_days(run, past):
        if later.start < now.start and later.day not in taken:
            take_delivery(run, later)
    measured = measure_labels(run, past, prepared.version)
    of_rows = row_metrics(run, reference, past, prepared.version, profile)
    metrics = (*of_rows, *arrival_metrics(run, prepared), *estimated_metrics(run, measured))
    results = [Results(partition=past, family=Family.PREDICTIONS, metrics=metrics)]
    if measured is not None:
        results.append(label_results(run, measured))
    rests_on = {past: frozenset(measured.deliveries)} if measured is not None else None
    run.store.publish(state, results, supersedes=prepared.supersedes, versions=prepared.rests_on, deliveries=rests_on)


def _delivery_days(run: Run, partition: Partition) -> list[Partition]:
    days = run.spec.labels.delay_days if run.spec.labels else -1
    return [partition.shift(offset) for offset in range(days + 1)]


def to_state(prepared: Prepared, *, schema: str, evaluated: bool) -> PartitionState:
    """Convert a prepared partition to its record in the store."""
    return PartitionState(
        partition=prepared.partition,
        status=prepared.status,
        version=prepared.version,
        schema=schema,
        rows_read=prepared.rows_read,
        rows_accepted=prepared.rows_accepted,
        rows_quarantined=prepared.rows_quarantined,
        message=prepared.message,
        evaluated=evaluated,
        causes=prepared.causes,
        arrival=Arrival(
            status=prepared.status,
            message=prepared.message,
            files=prepared.files,
            labels_delivered=prepared.labels_delivered,
            delay_hours=prepared.delay.hours,
            delay_reason=prepared.delay.reason,
        ),
    )
