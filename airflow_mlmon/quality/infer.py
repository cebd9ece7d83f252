"""Inference of checks from the baseline, for a spec without checks, and what measures the same as a check.

Great Expectations states the result of each; the metric that measures the same is evaluated, and decides. So they are
recorded, and only those that the days of the reference show to hold on later days are inferred.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.identifier import IdentifierProfile
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.profiles.schema import ProfileSchema
from airflow_mlmon.records import CheckOutcome
from airflow_mlmon.spec.choices import ColumnType, Role, Severity
from airflow_mlmon.spec.column import Column
from airflow_mlmon.spec.metrics import NEW_CATEGORY_RATE, NULL_RATE, OUT_OF_RANGE_RATE, ROWS
from airflow_mlmon.spec.model import ModelSpec
from airflow_mlmon.spec.quality import Check
from airflow_mlmon.tasks.registry import task_of

_NOT_NULL = "expect_column_values_to_not_be_null"
_UNIQUE = "expect_column_values_to_be_unique"
_BETWEEN = "expect_column_values_to_be_between"
_IN_SET = "expect_column_values_to_be_in_set"
_MEASURED = {
    _NOT_NULL: NULL_RATE,
    _IN_SET: NEW_CATEGORY_RATE,
    _BETWEEN: OUT_OF_RANGE_RATE,
    "expect_table_row_count_to_be_between": ROWS,
}
_SHARE_MARGIN = 0.02
_RANGE_MARGIN = 0.1
_RANGE_MOSTLY = 0.99
_MINIMUM_DAYS = 3
_MINIMUM_VALUES = 100
_NUMBERS = {ColumnType.FLOAT, ColumnType.INTEGER, ColumnType.DECIMAL}
_TEXTS = {ColumnType.STRING, ColumnType.CATEGORY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Inferred:
    """Checks that the reference shows to hold, and by column why there are no others."""

    checks: tuple[Check, ...]
    withheld: Mapping[str, str]


def measured_by(check: Check | CheckOutcome) -> tuple[str, str | None] | None:
    """Return the metric, and its column, that measures the same as a check; None if there is none."""
    metric = measured_metric(check.expectation)
    return None if metric is None else (metric, check.column)


def measured_metric(expectation: str) -> str | None:
    """Return the metric that measures the same as an expectation; None if there is none."""
    return _MEASURED.get(expectation)


def infer_checks(
    schema: ProfileSchema, reference: Profile, days: Sequence[Profile], spec: ModelSpec, unclosed: Mapping[str, str]
) -> Inferred:
    """Infer the checks that hold on the later days of the reference if they are inferred from its earlier ones.

    Args:
        schema: The pinned columns.
        reference: The profile of the whole reference.
        days: The profiles of the reference's days in their order.
        spec: The model.
        unclosed: Why the vocabulary of each category is not closed; empty for one that is.
    """
    checks = [_check(_NOT_NULL, spec.id_column), _check(_UNIQUE, spec.id_column)]
    withheld: dict[str, str] = {}
    pinned, vectors = {column.name for column in schema.columns}, set(spec.vectors)
    for name, column in spec.columns.items():
        if column.role is Role.ID:
            continue
        known = reference.columns[name] if name in pinned else None
        found = list(_column_checks(name, known, days, spec, unclosed))
        if column.required and not column.personal and name not in vectors:
            # a row without a value is quarantined
            found = [_check(_NOT_NULL, name), *found]
        checks += [check for check in found if isinstance(check, Check)]
        if reasons := [reason for reason in found if isinstance(reason, str)]:
            withheld[name] = "; ".join(reasons)
    return Inferred(checks=tuple(checks), withheld=withheld)


def _check(expectation: str, column: str, **arguments: object) -> Check:
    return Check(expectation=expectation, column=column, severity=Severity.RECORDED, arguments=arguments)


def _column_checks(
    name: str, known: ColumnProfile | None, days: Sequence[Profile], spec: ModelSpec, unclosed: Mapping[str, str]
) -> Iterator[Check | str]:
    """Yield the checks of a column, and why there is no other."""
    column = spec.columns[name]
    if column.type is ColumnType.VECTOR or known is None:
        yield from filter(None, [_why_never(column)])
        return
    if not known.observed:
        yield "the reference has no value of it"
        return
    past = [profile for day in days if (profile := day.columns[name]).rows]
    if not column.required:
        yield _null_check(name, past)
    if isinstance(known, NumericProfile) and column.type in _NUMBERS:
        yield _range_check(name, known, past, ends=task_of(spec).ranges.get(column.role))
    elif isinstance(known, NumericProfile):
        yield "no range: times move on"
    elif isinstance(known, IdentifierProfile):
        yield "no set of values: nearly all of them differ"
    elif isinstance(known, CategoryProfile) and column.type in _TEXTS:
        yield _vocabulary_check(name, known, is_pattern=name in spec.patterns, why_open=unclosed.get(name, ""))


def _why_never(column: Column) -> str:
    """Return why a column is never looked at; empty if its role says so, such as that of the time."""
    if column.personal:
        return "personal"
    if column.type is ColumnType.VECTOR:
        return "checks cannot read vectors"
    if column.required:
        return ""
    if column.role is Role.TIME:
        return "rows without it, or of another day, are quarantined"
    return "versions change" if column.role is Role.VERSION else "not profiled"


def _null_check(name: str, days: Sequence[ColumnProfile]) -> Check | str:
    if len(days) < _MINIMUM_DAYS:
        return f"may be null: the reference has {_counted(days)}, fewer than {_MINIMUM_DAYS}"
    shares = [day.missing / day.rows for day in days]
    earlier, later = shares[: _middle(shares)], shares[_middle(shares) :]
    if beyond := sum(share > max(earlier) + _SHARE_MARGIN for share in later):
        return f"may be null: its null rate is above that of earlier days on {beyond} of {len(later)} days"
    return _check(_NOT_NULL, name, mostly=_mostly(max(shares)))


def _range_check(
    name: str, known: NumericProfile, days: Sequence[ColumnProfile], *, ends: tuple[float, float] | None
) -> Check | str:
    if known.min is None or known.max is None:
        return "no range: it has no finite value"
    if ends is not None and known.min >= ends[0] and known.max <= ends[1]:
        return _check(_BETWEEN, name, min_value=ends[0], max_value=ends[1])
    past = [day for day in days if isinstance(day, NumericProfile) and day.observed]
    if len(past) < _MINIMUM_DAYS:
        return f"no range: the reference has {_counted(past)}, fewer than {_MINIMUM_DAYS}"
    if known.observed < _MINIMUM_VALUES:
        return f"no range: the reference has {known.observed} values, fewer than {_MINIMUM_VALUES}"
    earlier, later = past[: _middle(past)], past[_middle(past) :]
    low, high = _bounds(NumericProfile.sum_of(earlier))
    if beyond := sum(_share_outside(day, low, high) > 1 - _RANGE_MOSTLY for day in later):
        return f"no range: it leaves that of earlier days on {beyond} of {len(later)} days"
    low, high = _bounds(known)
    return _check(_BETWEEN, name, min_value=low, max_value=high, mostly=_RANGE_MOSTLY)


def _bounds(known: NumericProfile) -> tuple[float, float]:
    """Return the range of a profile with its margin; one that is never negative stays so, such as a count."""
    assert known.min is not None and known.max is not None  # noqa: S101, PT018 - the caller has values
    low, high = known.min, known.max
    margin = _RANGE_MARGIN * (high - low) or max(abs(high), 1.0) * _RANGE_MARGIN
    return max(low - margin, 0.0) if low >= 0 else low - margin, high + margin


def _share_outside(day: NumericProfile, low: float, high: float) -> float:
    points = day.distribution.points
    is_outside = (points.keys < low - day.schema.centre) | (points.keys > high - day.schema.centre)
    return float(points.counts[is_outside].sum()) / day.observed


def _vocabulary_check(name: str, known: CategoryProfile, *, is_pattern: bool, why_open: str) -> Check | str:
    if is_pattern:
        return "no set of values: patterns of free text"
    if why_open or not known.schema.vocabulary:
        return f"no set of values: {why_open or 'the reference has none'}"
    if known.unseen_rows:
        return f"no set of values: more than the {len(known.schema.vocabulary):,} that are kept"
    return _check(_IN_SET, name, value_set=list(known.schema.vocabulary))


def _middle(days: Sequence[object]) -> int:
    """Return the number of the earlier days, whose checks have to hold on the later ones."""
    return (len(days) + 1) // 2


def _counted(days: Sequence[object]) -> str:
    return "1 day" if len(days) == 1 else f"{len(days)} days"


def _mostly(bad_share: float) -> float:
    """Return the share of rows that must pass, if `bad_share` is known to occur."""
    return max(0.0, round(1 - bad_share - _SHARE_MARGIN, 4))
