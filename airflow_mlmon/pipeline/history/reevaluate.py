"""Evaluation of past days from stored data, without reading rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.baselines.window_drift import required_reference
from airflow_mlmon.pipeline.pages.report import write_pages
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.drift import compare_day
from airflow_mlmon.pipeline.steps.evaluate import evaluate_partition
from airflow_mlmon.pipeline.steps.neighbours import was_captured
from airflow_mlmon.pipeline.steps.prepare import Prepared
from airflow_mlmon.pipeline.steps.profile import Profiled
from airflow_mlmon.pipeline.workspace.outcomes import Measured, last_measured
from airflow_mlmon.pipeline.workspace.partition_files import profile_uri
from airflow_mlmon.pipeline.workspace.reference import StoredReference, ensure_reference
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import PartitionState


class Outcome(StrEnum):
    """Result of a day."""

    EVALUATED = "evaluated again"
    NOT_EVALUATED = "was never evaluated"
    OTHER_SCHEMA = "other profile schema: run mlmon reprofile"
    INCOMPLETE = "stored data is missing: run it again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reevaluated:
    """One day with its result, and its alerts before and after."""

    day: date
    outcome: Outcome
    before: int = 0
    after: int = 0


def reevaluate(run: Run, first: date, last: date) -> Iterator[Reevaluated]:
    """Evaluate the days of a range again, oldest first, each in one transaction, and write their pages.

    Their verdicts then rest on the rows, baselines and labels that are stored now.

    Raises:
        StateError: the spec has changed since its profile schema was pinned.
        PartitionConflictError: a day was run meanwhile; days evaluated before it are kept, and a second call does the
            rest.
    """
    pinned = required_reference(run)
    evaluated = []
    for partition in run.partitions(first, last):
        run.progress(f"verdicts of {partition.key}")
        before = len(run.store.alerts(run.model, partition.day, partition.day))
        state = run.store.state(partition)
        # a version that an alias named then is read again if the schema was pinned anew since
        reference = pinned if state is None else ensure_reference(run, partition.day)
        outcome = _reevaluate(run, reference, partition, state)
        after = len(run.store.alerts(run.model, partition.day, partition.day))
        if outcome is Outcome.EVALUATED:
            evaluated.append(partition)
        yield Reevaluated(day=partition.day, outcome=outcome, before=before, after=after)
    if evaluated:
        write_pages(run, evaluated)


def _reevaluate(run: Run, reference: StoredReference, partition: Partition, state: PartitionState | None) -> Outcome:
    if state is None or not state.evaluated or state.version is None:
        return Outcome.NOT_EVALUATED
    if state.schema != reference.schema.id:
        return Outcome.OTHER_SCHEMA
    uri = profile_uri(run, partition, state.version, reference.schema.id)
    try:
        profile = Profile.from_bytes(run.files.read(uri))
        drift = compare_day(run, reference, partition, state.version, profile)
        profiled = Profiled(uri=uri, schema=reference.schema.id, rows=profile.rows, history_filled=0)
        measured = _measured(run, partition, state.version)
        prepared = replace(Prepared.of_day(state), is_captured=was_captured(run, partition, state.version))
        evaluate_partition(run, prepared, profiled, drift, measured)
    except NotFoundError:
        return Outcome.INCOMPLETE
    return Outcome.EVALUATED


def _measured(run: Run, partition: Partition, version: str) -> list[Measured]:
    """Return the outcome profile of a day from the deliveries received so far.

    Raises:
        NotFoundError: it is not stored, although the model has labels.
    """
    if run.spec.labels is None:
        return []
    found = last_measured(run, partition, version)
    if found is None:
        raise NotFoundError(f"The outcome profile of {partition} is not stored.")
    return [found]
