"""Evaluation of past days from stored data, without reading rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.partition import Partition, days_between
from airflow_mlmon.pipeline.baselines.window_drift import required_reference
from airflow_mlmon.pipeline.pages.report import write_pages
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.drift import compare_night
from airflow_mlmon.pipeline.steps.evaluate import judge_partition
from airflow_mlmon.pipeline.steps.prepare import Prepared
from airflow_mlmon.pipeline.steps.profile import Profiled
from airflow_mlmon.pipeline.workspace.outcomes import Measured, last_measured
from airflow_mlmon.pipeline.workspace.partition_files import profile_uri
from airflow_mlmon.pipeline.workspace.reference import StoredReference
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import Night


class Outcome(StrEnum):
    """Result of a day."""

    JUDGED = "evaluated again"
    NOT_JUDGED = "was never evaluated"
    OTHER_LAYOUT = "other profile schema: run mlmon reprofile"
    INCOMPLETE = "stored data is missing: run it again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejudged:
    """One day with its result, and its alerts before and after."""

    day: date
    outcome: Outcome
    before: int = 0
    after: int = 0


def rejudge(run: Run, first: date, last: date) -> Iterator[Rejudged]:
    """Evaluate the days of a range again, oldest first, each in one transaction, and write their pages.

    Their verdicts then rest on the rows, baselines and labels that are stored now.

    Raises:
        StateError: the spec has changed since its profile schema was pinned.
        PartitionConflictError: a day was run meanwhile; days evaluated before it are kept, and a second call does the
            rest.
    """
    reference = required_reference(run)
    judged = []
    for partition in days_between(run.model, first, last):
        run.progress(f"verdicts of {partition.key}")
        before = len(run.store.alerts(run.model, partition.day, partition.day))
        outcome = _rejudge(run, reference, partition, run.store.night(partition))
        after = len(run.store.alerts(run.model, partition.day, partition.day))
        if outcome is Outcome.JUDGED:
            judged.append(partition)
        yield Rejudged(day=partition.day, outcome=outcome, before=before, after=after)
    if judged:
        write_pages(run, judged)


def _rejudge(run: Run, reference: StoredReference, partition: Partition, night: Night | None) -> Outcome:
    if night is None or not night.judged or night.version is None:
        return Outcome.NOT_JUDGED
    if night.layout != reference.layout.id:
        return Outcome.OTHER_LAYOUT
    uri = profile_uri(run, partition, night.version, reference.layout.id)
    try:
        profile = Profile.from_bytes(run.files.read(uri))
        drift = compare_night(run, reference, partition, night.version, profile)
        profiled = Profiled(uri=uri, layout=reference.layout.id, rows=profile.rows, history_filled=0)
        measured = _measured(run, partition, night.version)
        judge_partition(run, Prepared.of_night(night), profiled, drift, measured)
    except NotFoundError:
        return Outcome.INCOMPLETE
    return Outcome.JUDGED


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
