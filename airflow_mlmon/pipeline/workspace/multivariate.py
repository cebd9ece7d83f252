"""All features of a night together against the reference, where the spec asks for it."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from airflow_mlmon.drift.multivariate import (
    MAX_ROWS,
    MINIMUM_ROWS,
    DomainLimit,
    DomainScore,
    MultivariateDrift,
    judge_together,
    limit_of_nights,
)
from airflow_mlmon.pipeline.workspace.samples import Samples, sample
from airflow_mlmon.profiles.layout import ColumnLayout, Kind, Layout
from airflow_mlmon.spec import ColumnType, ModelSpec

# identifiers, and whatever has no single value a row, it cannot take
_KINDS = (Kind.NUMERIC, Kind.CATEGORY)


def together_limit(spec: ModelSpec, layout: Layout, nights: Iterable[Samples]) -> DomainLimit:
    """The limit that the reference's nights give, each against rows of the others.

    All are cut to one size, which later nights are cut to as well. A night of less than half of it is
    not counted.
    """
    drawn = [_cut(spec, night, MAX_ROWS, MAX_ROWS) for night in nights]
    drawn = [night for night in drawn if min(night.reference.num_rows, night.current.num_rows) >= MINIMUM_ROWS]
    most = (
        min((night.reference.num_rows for night in drawn), default=MAX_ROWS),
        int(median([night.current.num_rows for night in drawn] or [MAX_ROWS])),
    )
    scores = [
        _score(spec, layout, _cut(spec, night, *most), explain=False)
        for night in drawn
        if night.current.num_rows >= most[1] / 2
    ]
    return limit_of_nights(scores, spec.drift.quantile, most)


def compare_together(spec: ModelSpec, layout: Layout, limit: DomainLimit, night: Samples) -> MultivariateDrift:
    """The night's features together against the reference's, whatever the baseline of the columns."""
    cut = _cut(spec, night, limit.rows_reference, limit.rows_current)
    return judge_together(_score(spec, layout, cut, explain=True), limit)


def _cut(spec: ModelSpec, night: Samples, reference: int, current: int) -> Samples:
    return Samples(
        reference=sample(night.reference, spec.id_column, reference),
        current=sample(night.current, spec.id_column, current),
    )


def _score(spec: ModelSpec, layout: Layout, night: Samples, *, explain: bool) -> DomainScore:
    from airflow_mlmon.drift.domain_classifier import tell_apart  # noqa: PLC0415 - slow to import

    return tell_apart(night.reference, night.current, _features(spec, layout), spec.id_column, explain=explain)


def _features(spec: ModelSpec, layout: Layout) -> list[ColumnLayout]:
    """The columns that the classifier sees.

    Features alone: the score and the prediction follow from them, and a moment in time tells any two
    nights apart, as an identifier does.
    """
    times = {name for name, column in spec.columns.items() if column.type is ColumnType.TIMESTAMP}
    wanted = set(spec.features) - times
    return [column for column in layout.columns if column.name in wanted and column.kind in _KINDS]
