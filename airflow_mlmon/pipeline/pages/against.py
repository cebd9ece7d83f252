"""Content of the page of a day against another, from stored profiles and the store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from markupsafe import Markup

from airflow_mlmon.drift.compare import ColumnDrift
from airflow_mlmon.errors import ConfigError, NotFoundError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.baselines.versions import counts_in
from airflow_mlmon.pipeline.deciding.champion_challenger import compare_rows
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.outcomes import stored_outcomes
from airflow_mlmon.pipeline.workspace.reference import StoredReference, pinned_reference
from airflow_mlmon.pipeline.workspace.stored_profiles import DayProfile, stored_profiles
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.histogram import build_histogram
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import DriftDetail
from airflow_mlmon.reports.against import (
    MOST_PICTURES,
    AgainstColumn,
    AgainstPage,
    AgainstSide,
    rank_against,
)
from airflow_mlmon.reports.charts import before_after
from airflow_mlmon.reports.page import is_declared
from airflow_mlmon.spec.metrics import DRIFTED_COLUMNS, LABEL_COVERAGE, NULL_RATE
from airflow_mlmon.tasks.contrast import Difference
from airflow_mlmon.tasks.registry import task_of


def against_page(run: Run, partition: Partition, other: Partition) -> AgainstPage:
    """Compare a day with another of its model, column by column, by sampling error only.

    Raises:
        ConfigError: it is the same day.
        NotFoundError: a day was not run.
    """
    if partition == other:
        raise ConfigError(f"{partition} cannot be compared with itself.", hint="name another day")
    before, after = _side(run, other), _side(run, partition)
    task = task_of(run.spec)
    page = AgainstPage(
        model=run.model,
        before=before,
        after=after,
        names=tuple(
            name
            for name in dict.fromkeys((NULL_RATE, *task.output_metrics, DRIFTED_COLUMNS, LABEL_COVERAGE))
            if is_declared(name, run.spec.labels) and (name in before.metrics or name in after.metrics)
        ),
        labels=run.spec.labels,
        policy=run.spec.alerts.evaluation,
    )
    reference = pinned_reference(run, partition.day)
    if reference is None:
        return replace(page, lack="The spec has changed since its profile schema was pinned: run mlmon reprofile.")
    first, last = sorted((partition.day, other.day))
    stored = {found.day: found for found in stored_profiles(run, reference, [first, last])}
    missing = [found for found in stored.values() if found.profile is None]
    if missing:
        return replace(page, lack="; ".join(f"{found.day}: {found.state}" for found in missing))
    return _compared(run, reference, page, (stored[other.day], stored[partition.day]))


def _compared(
    run: Run, reference: StoredReference, page: AgainstPage, sides: tuple[DayProfile, DayProfile]
) -> AgainstPage:
    before, after = (side.profile or Profile.empty(reference.schema) for side in sides)
    drift, verdicts = compare_rows(run, reference, sides[1].day, (str(sides[0].day), before), after)
    columns = rank_against(
        [
            AgainstColumn(
                name=column.column,
                score=column.score,
                detail=_detail(column, sides[0]),
                null_rates=(_null_rate(before.columns[column.column]), _null_rate(after.columns[column.column])),
                verdict=verdicts.get(column.column),
            )
            for column in drift
        ],
        page.policy,
    )
    return replace(
        page,
        columns=tuple(
            replace(column, picture=_picture(column.name, before, after)) if rank < MOST_PICTURES else column
            for rank, column in enumerate(columns)
        ),
        differences=(
            *task_of(run.spec).compare_outputs(before, after, run.spec),
            *_performance(run, reference, sides),
        ),
    )


def _side(run: Run, partition: Partition) -> AgainstSide:
    state = run.store.state(partition)
    if state is None or not state.evaluated:
        raise NotFoundError(
            f"{partition} was not run.",
            hint=f"run it with `mlmon run … --partition {partition.key}`",
        )
    metrics = run.store.metric_values(partition)
    return AgainstSide(
        state=state,
        alerts=len(run.store.alerts(run.model, partition.day, partition.day)),
        metrics={value.metric: value.value for value in metrics if value.key[1:] == (None, None)},
        versions=counts_in(run.spec, metrics),
        checks=tuple(run.store.checks(partition)),
    )


def _detail(column: ColumnDrift, other: DayProfile) -> DriftDetail:
    return DriftDetail(method=column.method, baseline=str(other.day), note=column.note)


def _null_rate(column: ColumnProfile) -> float | None:
    return column.missing / column.rows if column.rows else None


def _picture(name: str, before: Profile, after: Profile) -> Markup | None:
    bins = build_histogram(before.columns[name], after.columns[name])
    return before_after(bins, name) if bins.labels else None


def _performance(run: Run, reference: StoredReference, sides: Sequence[DayProfile]) -> Iterator[Difference]:
    """Compare the metrics of labels that have a value on a day."""
    if run.spec.labels is None:
        return
    found = [
        stored_outcomes(run, run.partition(side.day), str(side.version), reference.outcomes)
        for side in sides
        if not side.is_reference
    ]
    outcomes = [parts.whole for parts in found if parts is not None]
    if len(outcomes) < len(sides):
        return
    before, after = outcomes
    for difference in task_of(run.spec).compare(before, after, run.spec.labels.min_coverage):
        if is_declared(difference.metric, run.spec.labels) and (difference.before, difference.after) != (None, None):
            yield difference
