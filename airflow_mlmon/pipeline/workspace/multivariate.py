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
from airflow_mlmon.profiles.layout import ColumnLayout, Kind, Layout
from airflow_mlmon.spec import ColumnType, ModelSpec

# the classifier takes no identifiers, and no columns without a single value per row
_KINDS = (Kind.NUMERIC, Kind.CATEGORY)


def common_sizes(spec: ModelSpec, nights: Iterable[Samples]) -> SampleSizes:
    """Return the sizes that samples of the reference's days, and of later ones, are cut to."""
    drawn = _drawn(spec, nights)
    if not drawn:
        return SampleSizes(rows_reference=MAX_ROWS, rows_current=MAX_ROWS)
    most = int(median(night.current.num_rows for night in drawn))
    return SampleSizes(
        rows_reference=min(night.reference.num_rows for night in drawn),
        rows_current=most,
        fewest_current=(most + 1) // 2,
    )


def compare_together(
    spec: ModelSpec, layout: Layout, sizes: SampleSizes, night: Samples, *, explain: bool = True
) -> MultivariateDrift:
    """Score the features of a day together against the reference's, whatever the baseline of the columns."""
    cut = _cut(spec, night, sizes.rows_reference, sizes.rows_current)
    return to_multivariate(_score(spec, layout, cut, explain=explain), sizes)


def _drawn(spec: ModelSpec, nights: Iterable[Samples]) -> list[Samples]:
    drawn = [_cut(spec, night, MAX_ROWS, MAX_ROWS) for night in nights]
    return [night for night in drawn if min(night.reference.num_rows, night.current.num_rows) >= FEWEST_ROWS]


def _cut(spec: ModelSpec, night: Samples, reference: int, current: int) -> Samples:
    return Samples(
        reference=sample(night.reference, spec.id_column, reference),
        current=sample(night.current, spec.id_column, current),
    )


def _score(spec: ModelSpec, layout: Layout, night: Samples, *, explain: bool) -> DomainScore:
    from airflow_mlmon.drift.domain_classifier import tell_apart  # noqa: PLC0415 - slow to import

    return tell_apart(night.reference, night.current, _features(spec, layout), spec.id_column, explain=explain)


def _features(spec: ModelSpec, layout: Layout) -> list[ColumnLayout]:
    """Return the columns for the classifier.

    Only features: the score and the prediction follow from them, and timestamps and identifiers separate any two days.
    """
    times = {name for name, column in spec.columns.items() if column.type is ColumnType.TIMESTAMP}
    wanted = set(spec.features) - times
    return [column for column in layout.columns if column.name in wanted and column.kind in _KINDS]
