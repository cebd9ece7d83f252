"""Scores a partition's profile against its reference, column by column; no column is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from airflow_mlmon.drift.methods import method_of, score
from airflow_mlmon.drift.sampled import SampledScore
from airflow_mlmon.drift.shift import mean_shift
from airflow_mlmon.errors import LayoutMismatchError
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.identifier import IdentifierProfile
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.columns.vector import VectorProfile
from airflow_mlmon.profiles.layout import ColumnLayout, Kind, Layout
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.spec.choices import MINIMUM_ROWS
from airflow_mlmon.spec.methods import Method


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDrift:
    """The distance of a column from its reference; whether it has drifted is for the evaluation to say.

    Attributes:
        column: The column.
        kind: How it is summarised.
        method: The score that was taken; see `drift.methods`.
        score: The score; None where there is none.
        rows_reference: Finite values of the reference.
        rows_current: Finite values of the partition.
        note: In words, why there is no score, or what to know about it.
        mean_shift: Of a vector, how far its mean has moved; see `drift.shift`.
        is_withheld: Whether the score compares what cannot be compared, and is not evaluated.
    """

    column: str
    kind: Kind
    method: Method
    score: float | None
    rows_reference: int
    rows_current: int
    note: str = ""
    mean_shift: float | None = None
    is_withheld: bool = False


def compare_profiles(
    layout: Layout,
    reference: Profile,
    current: Profile,
    *,
    method: str,
    methods: Mapping[str, str] = MappingProxyType({}),
    sampled: Mapping[str, SampledScore] = MappingProxyType({}),
) -> list[ColumnDrift]:
    """Score the drift of every column of the layout, in its order, by `method` or its own among `methods`.

    What evidently computed on rows comes as `sampled`. A column whose method needs rows is not compared without that,
    and says so.

    Raises:
        LayoutMismatchError: a profile was made under another layout.
        ConfigError: there is no such method.
    """
    for side, profile in (("reference", reference), ("current", current)):
        if profile.layout_id != layout.id:
            raise LayoutMismatchError(
                f"The {side} profile has layout {profile.layout_id}, not {layout.id}.",
                hint="make the profile again from its curated partition",
                layout=profile.layout_id,
                expected=layout.id,
            )
    return [
        _sampled_column(column, sampled[column.name], reference.columns[column.name], current.columns[column.name])
        if column.name in sampled
        else _compare_column(
            column,
            (reference.columns[column.name], reference.rows),
            (current.columns[column.name], current.rows),
            method=method_of(column, method, methods),
        )
        for column in layout.columns
    ]


def _sampled_column(
    column: ColumnLayout, found: SampledScore, reference: ColumnProfile, current: ColumnProfile
) -> ColumnDrift:
    return ColumnDrift(
        column=column.name,
        kind=column.kind,
        method=found.method,
        score=found.value,
        rows_reference=reference.observed,
        rows_current=current.observed,
        note=found.note,
    )


def _compare_column(
    column: ColumnLayout, reference: tuple[ColumnProfile, int], current: tuple[ColumnProfile, int], *, method: Method
) -> ColumnDrift:
    notes = [
        *_lack_of_rows(column, method),
        *_shortages("the reference", *reference),
        *_shortages("the partition", *current),
    ]
    found = None if notes else score(method, reference[0], current[0])
    shift = None if found is None else mean_shift(reference[0], current[0], MINIMUM_ROWS)
    if found is not None:
        notes = [*([shift.text] if shift else []), *_remarks(reference[0], current[0])]
    return ColumnDrift(
        column=column.name,
        kind=column.kind,
        method=method,
        score=found,
        rows_reference=reference[0].observed,
        rows_current=current[0].observed,
        note="; ".join(notes),
        mean_shift=shift.value if shift else None,
    )


def _lack_of_rows(column: ColumnLayout, method: Method) -> Iterator[str]:
    if method.is_sampled:
        lack = "of a vector no sample is kept" if column.kind is Kind.VECTOR else "of one side there is a profile alone"
        yield f"not compared: {method} needs rows, and {lack}"


def _shortages(side: str, column: ColumnProfile, rows: int) -> Iterator[str]:
    if not rows:
        yield f"{side} has no rows"
    elif not column.rows:
        yield f"{side} lacks the column"
    elif column.nulls == column.rows:
        yield f"{side} is all null ({column.rows} rows)"
    elif isinstance(column, IdentifierProfile):
        yield f"{side} holds identifiers, which are counted and not compared"
    elif not column.observed:
        yield f"{side} has no finite value in {column.rows} rows"
    elif column.observed < MINIMUM_ROWS:
        yield f"{side} has {column.observed} values, fewer than {MINIMUM_ROWS}"


def _remarks(reference: ColumnProfile, current: ColumnProfile) -> Iterator[str]:
    sides = (("the reference", reference), ("the partition", current))
    for side, column in sides:
        if isinstance(column, NumericProfile) and (left_out := column.nans + column.infinities):
            yield f"{left_out} NaN or infinite values of {side} left out"
        elif isinstance(column, VectorProfile):
            yield from vector_remarks(side, column)
    if any(isinstance(column, NumericProfile) and column.distribution.is_too_coarse for _, column in sides):
        yield "grid too coarse: pin again"


def vector_remarks(side: str, column: VectorProfile) -> Iterator[str]:
    """Say what is left out of the comparison of a vector."""
    if left_out := column.norm.nans + column.norm.infinities:
        yield f"{left_out:,} vectors of {side} with a NaN or infinite element left out"
    if column.malformed:
        yield f"{column.malformed:,} vectors of {side} of another dimension or with an empty element left out"
    if column.far:
        yield f"{column.far:,} vectors of {side} too far out for the mean shift"
