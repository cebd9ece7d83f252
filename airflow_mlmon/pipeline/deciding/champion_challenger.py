"""Comparison of champion and challenger: a new version and the one it replaces, on the days that both served."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from airflow_mlmon.drift.compare import ColumnDrift, compare_profiles
from airflow_mlmon.drift.metrics import score_metric
from airflow_mlmon.drift.versions import CategoryCounts, predecessor_of
from airflow_mlmon.evaluation.columns import evaluate_pair
from airflow_mlmon.pipeline.baselines.versions import version_counts
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.outcomes import stored_outcomes
from airflow_mlmon.pipeline.workspace.reference import StoredReference
from airflow_mlmon.pipeline.workspace.stored_profiles import DayProfile, stored_profiles
from airflow_mlmon.profiles.keys import column_key, segment_name
from airflow_mlmon.profiles.profile import Profile, sum_profiles
from airflow_mlmon.records import Verdict
from airflow_mlmon.reports.versions import Challenge
from airflow_mlmon.spec.choices import MINIMUM_ROWS
from airflow_mlmon.tasks.contrast import Difference
from airflow_mlmon.tasks.outcome import OutcomeProfile, OutcomeSchema
from airflow_mlmon.tasks.registry import task_of


def challenges(run: Run, reference: StoredReference, day: date) -> list[Challenge]:
    """Compare each new version of a day with the one it replaces, over the trailing days that both served."""
    counts = version_counts(run, date.min, day)
    first = run.partition(day).shift(1 - run.spec.history.days).day
    found = []
    for challenger in sorted(counts.get(day, {})):
        champion = predecessor_of(challenger, counts)
        days = [past for past in counts if past >= first and _served(counts[past], champion, challenger)]
        if champion is not None and days:
            found.append(_compare(run, reference, (champion, challenger), days))
    return found


def _served(counts: CategoryCounts, *versions: str | None) -> bool:
    return all(counts.get(version or "", 0) >= MINIMUM_ROWS for version in versions)


def _compare(run: Run, reference: StoredReference, pair: tuple[str, str], days: Sequence[date]) -> Challenge:
    stored = [day for day in stored_profiles(run, reference, days) if day.profile is not None]
    before, after = (_rows_of(run, reference, stored, version) for version in pair)
    drift, verdicts = compare_rows(run, reference, days[-1], (pair[0], before), after)
    return Challenge(
        champion=pair[0],
        challenger=pair[1],
        days=tuple(day.day for day in stored),
        rows=(before.rows, after.rows),
        columns=tuple(drift),
        verdicts=verdicts,
        differences=(
            *task_of(run.spec).compare_outputs(before, after, run.spec),
            *_performance(run, pair, stored, reference.outcomes),
        ),
    )


def compare_rows(
    run: Run, reference: StoredReference, day: date, before: tuple[str, Profile], after: Profile
) -> tuple[list[ColumnDrift], Mapping[str, Verdict]]:
    """Score the drift of every column between named rows and others, and evaluate it by sampling error only."""
    name, rows = before
    drift = compare_profiles(
        reference.schema, rows, after, method=run.spec.drift.method, methods=run.spec.drift.methods
    )
    scores = [score_metric(column, name) for column in drift]
    return drift, evaluate_pair(day, rows, after, scores, run.spec.alerts.evaluation)


def _rows_of(run: Run, reference: StoredReference, days: Sequence[DayProfile], version: str) -> Profile:
    column = str(run.spec.version_column)
    parts = [day.profile.part(segment_name([column]), version) for day in days if day.profile is not None]
    return sum_profiles(reference.schema, (part for part in parts if part is not None))


def _performance(
    run: Run, pair: tuple[str, str], days: Sequence[DayProfile], schema: OutcomeSchema
) -> list[Difference]:
    if run.spec.labels is None:
        return []
    found = [parts for day in days if (parts := _labels_of(run, day, schema)) is not None]
    task = task_of(run.spec)
    before, after = (
        task.sum_outcomes(parts[key] for parts in found if key in parts)
        for key in (column_key(str(run.spec.version_column), version) for version in pair)
    )
    return task.compare(before, after, run.spec.labels.min_coverage)


def _labels_of(run: Run, day: DayProfile, schema: OutcomeSchema) -> Mapping[str, OutcomeProfile] | None:
    """Return the outcomes of a day; None for a day of the reference, or without measured labels."""
    found = stored_outcomes(run, run.partition(day.day), str(day.version), schema)
    return found.parts if found else None
