"""Metrics of the outputs of a binary classifier, which need no labels."""

from __future__ import annotations

import numpy as np

from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.grid import to_cells
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.columns.segment import Part
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.choices import Role
from airflow_mlmon.spec.model import ModelSpec
from airflow_mlmon.statistics.intervals import wilson_interval
from airflow_mlmon.tasks.binary.table import PREDICTED_POSITIVE_RATE, SCORE_MEAN
from airflow_mlmon.tasks.contrast import Difference
from airflow_mlmon.tasks.means import compare_means, measure_mean

_POSITIVE = "true"


def summarise_outputs(part: Profile | Part, spec: ModelSpec) -> list[MetricValue]:
    """Measure the mean score and the share of predicted positives."""
    score = part.columns.get(spec.column_of(Role.SCORE) or "")
    return [*measure_mean(SCORE_MEAN, score), *_predicted_positive_rate(part, spec)]


def compare_outputs(before: Profile, after: Profile, spec: ModelSpec) -> list[Difference]:
    """Compare the mean scores of two versions."""
    name = spec.column_of(Role.SCORE) or ""
    return compare_means(SCORE_MEAN, before.columns.get(name), after.columns.get(name))


def _rate_above(column: ColumnProfile | None, threshold: float) -> list[MetricValue]:
    """Measure the share of scores from the threshold on; of the cell of the grid that it is in, half."""
    if not isinstance(column, NumericProfile):
        return []
    end = threshold - column.schema.centre
    exact, cells = column.distribution.values, column.distribution.cells
    cell = int(to_cells(np.array([end]))[0])
    above = int(exact.counts[exact.keys >= end].sum() + cells.counts[cells.keys > cell].sum())
    around, rows = cells.count_of(cell), column.observed
    measured = MetricValue(
        metric=PREDICTED_POSITIVE_RATE,
        value=(above + around / 2) / rows if rows else None,
        rows=rows,
        reason="" if rows else "no row has a value",
        error_bound=around / 2 / rows if around else None,
    )
    return [measured.within(wilson_interval(above + around // 2, rows))]


def _predicted_positive_rate(profile: Profile | Part, spec: ModelSpec) -> list[MetricValue]:
    if spec.threshold is not None:
        return _rate_above(profile.columns.get(spec.column_of(Role.SCORE) or ""), spec.threshold)
    column = profile.columns.get(spec.column_of(Role.PREDICTION) or "")
    if not isinstance(column, CategoryProfile):
        return []
    positive, rows = column.count_of(_POSITIVE), column.observed
    share = positive / rows if rows else None
    measured = MetricValue(
        metric=PREDICTED_POSITIVE_RATE, value=share, rows=rows, reason="" if rows else "no row has a value"
    )
    return [measured.within(wilson_interval(positive, rows))]
