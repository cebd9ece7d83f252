"""Multivariate drift of a day's features against the reference, if the spec enables it."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from airflow_mlmon.drift.multivariate import (
    FEWEST_ROWS,
    MAX_ROWS,
    DomainScore,
    MultivariateDrift,
    SampleSizes,
    to_multivariate,
)
from airflow_mlmon.pipeline.workspace.samples import Samples, sample
from airflow_mlmon.profiles.schema import ColumnSchema, Kind, ProfileSchema
from airflow_mlmon.spec import ColumnType, ModelSpec

# the classifier takes no identifiers, and no columns without a single value per row
_KINDS = (Kind.NUMERIC, Kind.CATEGORY)


def common_sizes(spec: ModelSpec, days: Iterable[Samples]) -> SampleSizes:
    """Return the sizes that samples of the reference's days, and of later ones, are cut to."""
    drawn = _drawn(spec, days)
    if not drawn:
        return SampleSizes(rows_reference=MAX_ROWS, rows_current=MAX_ROWS)
    most = int(median(day.current.num_rows for day in drawn))
    return SampleSizes(
        rows_reference=min(day.reference.num_rows for day in drawn),
        rows_current=most,
        fewest_current=(most + 1) // 2,
    )


def compare_together(
    spec: ModelSpec, schema: ProfileSchema, sizes: SampleSizes, day: Samples, *, explain: bool = True
) -> MultivariateDrift:
    """Score the features of a day together against the reference's, whatever the baseline of the columns."""
    cut = _cut(spec, day, sizes.rows_reference, sizes.rows_current)
    return to_multivariate(_score(spec, schema, cut, explain=explain), sizes)


def _drawn(spec: ModelSpec, days: Iterable[Samples]) -> list[Samples]:
    drawn = [_cut(spec, day, MAX_ROWS, MAX_ROWS) for day in days]
    return [day for day in drawn if min(day.reference.num_rows, day.current.num_rows) >= FEWEST_ROWS]


def _cut(spec: ModelSpec, day: Samples, reference: int, current: int) -> Samples:
    return Samples(
        reference=sample(day.reference, spec.id_column, reference),
        current=sample(day.current, spec.id_column, current),
    )


def _score(spec: ModelSpec, schema: ProfileSchema, day: Samples, *, explain: bool) -> DomainScore:
    from airflow_mlmon.drift.domain_classifier import tell_apart  # noqa: PLC0415 - slow to import

    return tell_apart(day.reference, day.current, joint_features(spec, schema), spec.id_column, explain=explain)


def joint_features(spec: ModelSpec, schema: ProfileSchema) -> list[ColumnSchema]:
    """Return the columns whose rows are looked at together.

    Only features: the score and the prediction follow from them, and timestamps and identifiers separate any two days.
    """
    times = {name for name, column in spec.columns.items() if column.type is ColumnType.TIMESTAMP}
    wanted = set(spec.features) - times
    return [column for column in schema.columns if column.name in wanted and column.kind in _KINDS]
