"""Metrics of a partition that follow from its profile alone."""

from __future__ import annotations

from dataclasses import replace

from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.segment import Part
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.metrics import NEW_CATEGORY_RATE, NULL_RATE, ROWS
from airflow_mlmon.spec.model import ModelSpec
from airflow_mlmon.statistics.intervals import wilson_interval
from airflow_mlmon.tasks.fairness import output_disparities
from airflow_mlmon.tasks.registry import task_of

_MOST_NAMED = 5


def summary_metrics(profile: Profile, spec: ModelSpec) -> list[MetricValue]:
    """Compute row count, null rate, new-category rate, and the metrics of the outputs.

    Missing values are nulls and NaN. A value that does not exist, such as the null rate of a column that the table
    lacks, is None with the reason. Segments have only the metrics that are not about one column.
    """
    return [
        *_summary(profile, spec),
        # a derived column is empty where its source is
        *(_null_rate(name, column) for name, column in profile.columns.items() if not column.schema.derived),
        *(
            _new_category_rate(name, column, is_named=_may_be_named(name, spec))
            for name, column in profile.columns.items()
            if isinstance(column, CategoryProfile)
        ),
        *(
            replace(value, segment=key)
            for segment in profile.segments.values()
            for key, part in segment.by_key().items()
            for value in _summary(part, spec)
        ),
        *output_disparities(task_of(spec), spec, profile),
    ]


def _summary(part: Profile | Part, spec: ModelSpec) -> list[MetricValue]:
    return [
        MetricValue(metric=ROWS, value=float(part.rows), rows=part.rows),
        _feature_nulls(part, spec),
        *task_of(spec).summarise_outputs(part, spec),
    ]


def _feature_nulls(profile: Profile | Part, spec: ModelSpec) -> MetricValue:
    features = {name: profile.columns[name] for name in spec.features if name in profile.columns}
    nulls = sum(column.missing for column in features.values())
    cells = sum(column.rows for column in features.values())
    value = nulls / cells if cells else None
    return MetricValue(metric=NULL_RATE, value=value, rows=profile.rows, reason=_reason(cells))


def _null_rate(name: str, column: ColumnProfile) -> MetricValue:
    measured = MetricValue(
        metric=NULL_RATE,
        column=name,
        value=column.missing / column.rows if column.rows else None,
        rows=column.rows,
        reason=_reason(column.rows),
    )
    return measured.within(wilson_interval(column.missing, column.rows))


def _may_be_named(name: str, spec: ModelSpec) -> bool:
    declared = spec.columns.get(spec.derived.get(name, name))
    return declared is None or declared.personal is None


def _new_category_rate(name: str, column: CategoryProfile, *, is_named: bool) -> MetricValue:
    reason = _reason(column.observed) if column.schema.vocabulary else "the reference has no categories of it"
    measured = MetricValue(
        metric=NEW_CATEGORY_RATE,
        column=name,
        value=None if reason else column.new_rows / column.observed,
        rows=column.observed,
        reason=reason,
        new_values=column.names[:_MOST_NAMED] if is_named and not reason else (),
    )
    return measured.within(wilson_interval(column.new_rows, column.observed))


def _reason(rows: int) -> str:
    return "" if rows else "no row has a value"
