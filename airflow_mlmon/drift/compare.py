"""Drift scores of a partition's profile against its reference, for every column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from airflow_mlmon.drift.methods import method_of, score
from airflow_mlmon.drift.sampled import SampledScore
from airflow_mlmon.drift.shift import mean_shift
from airflow_mlmon.errors import ProfileSchemaMismatchError
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.identifier import IdentifierProfile
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.columns.vector import VectorProfile
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.profiles.schema import ColumnSchema, Kind, ProfileSchema
from airflow_mlmon.spec.choices import MINIMUM_ROWS
from airflow_mlmon.spec.methods import Method


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDrift:
    """Distance of a column from its reference; the evaluation decides if it has drifted.

    Attributes:
        column: The column.
        kind: The kind of its profile.
        method: The method of the score; see `drift.methods`.
        score: The score; None if there is none.
        rows_reference: Finite values of the reference.
        rows_current: Finite values of the partition.
        note: The reason for a missing score, or a remark.
        mean_shift: Shift of a vector's mean; see `drift.shift`.
        is_withheld: True if the two sides are not comparable, so that the score is not evaluated.
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
    schema: ProfileSchema,
    reference: Profile,
    current: Profile,
    *,
    method: str,
    methods: Mapping[str, str] = MappingProxyType({}),
    sampled: Mapping[str, SampledScore] = MappingProxyType({}),
) -> list[ColumnDrift]:
    """Score the drift of every column of the profile schema, in order, by `method` or its own among `methods`.

    `sampled` has evidently's scores on rows. A column whose method needs rows is not compared without one, with a note.

    Raises:
        ProfileSchemaMismatchError: a profile has another profile schema.
        ConfigError: the method is unknown.
    """
    for side, profile in (("reference", reference), ("current", current)):
        if profile.schema_id != schema.id:
            raise ProfileSchemaMismatchError(
                f"The {side} profile has the profile schema {profile.schema_id}; {schema.id} is expected.",
                hint="profile the partition again with `mlmon reprofile`",
                schema=profile.schema_id,
                expected=schema.id,
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
        for column in schema.columns
    ]


def _sampled_column(
    column: ColumnSchema, found: SampledScore, reference: ColumnProfile, current: ColumnProfile
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
    column: ColumnSchema, reference: tuple[ColumnProfile, int], current: tuple[ColumnProfile, int], *, method: Method
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


def _lack_of_rows(column: ColumnSchema, method: Method) -> Iterator[str]:
    if method.is_sampled:
        lack = "samples contain no vectors" if column.kind is Kind.VECTOR else "one side has only a profile"
        yield f"not compared: {method} needs rows, and {lack}"


def _shortages(side: str, column: ColumnProfile, rows: int) -> Iterator[str]:
    if not rows:
        yield f"{side} has no rows"
    elif not column.rows:
        yield f"{side} does not have the column"
    elif column.nulls == column.rows:
        yield f"{side} is all null ({column.rows} rows)"
    elif isinstance(column, IdentifierProfile):
        yield f"{side} has identifiers, which are counted, not compared"
    elif not column.observed:
        yield f"{side} has no finite value in {column.rows} rows"
    elif column.observed < MINIMUM_ROWS:
        yield f"{side} has {column.observed} values, fewer than {MINIMUM_ROWS}"


def _remarks(reference: ColumnProfile, current: ColumnProfile) -> Iterator[str]:
    sides = (("the reference", reference), ("the partition", current))
    for side, column in sides:
        if isinstance(column, NumericProfile) and (left_out := column.nans + column.infinities):
            yield f"{left_out} NaN or infinite values of {side} not compared"
        elif isinstance(column, VectorProfile):
            yield from vector_remarks(side, column)
    if any(isinstance(column, NumericProfile) and column.distribution.is_too_coarse for _, column in sides):
        yield "too few bins: pin the profile schema again"


def vector_remarks(side: str, column: VectorProfile) -> Iterator[str]:
    """Describe the vectors that are not compared."""
    if left_out := column.norm.nans + column.norm.infinities:
        yield f"{left_out:,} vectors of {side} with a NaN or infinite element not compared"
    if column.malformed:
        yield f"{column.malformed:,} vectors of {side} of another dimension or with a null element not compared"
    if column.far:
        yield f"{column.far:,} vectors of {side} too large for the mean shift"
