"""Inference of checks from the baseline, for a spec without checks.

They test for broken data, not for drift; so the margins are wide, and only the prediction id can block a partition.
A failing share that is explained by a small number of rows is no failure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from scipy import special

from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.profiles.schema import ProfileSchema
from airflow_mlmon.records import CheckOutcome
from airflow_mlmon.spec.choices import ColumnType, Role, Severity
from airflow_mlmon.spec.model import ModelSpec
from airflow_mlmon.spec.quality import Check
from airflow_mlmon.tasks.registry import task_of

_SHARE_MARGIN = 0.02
_RANGE_MARGIN = 0.1
_RANGE_MOSTLY = 0.99
_ROWS_MARGIN = 0.5
_MINIMUM_DAYS = 3
# significance level, for some tens of checks a day
_LEVEL = 1e-4
_NUMBERS = {ColumnType.FLOAT, ColumnType.INTEGER, ColumnType.DECIMAL}
_TEXTS = {ColumnType.STRING, ColumnType.CATEGORY}


def infer_checks(
    schema: ProfileSchema, reference: Profile, days: Sequence[Profile], spec: ModelSpec
) -> tuple[Check, ...]:
    """Return the checks that the reference and its days suggest; none for vectors, which checks cannot read.

    Args:
        schema: The pinned columns.
        reference: The profile of the whole reference.
        days: The profiles of the reference's days, or of other days that are known to be good.
        spec: The model.
    """
    checks = [*_id_checks(spec), *_row_checks(days)]
    for name, column in spec.columns.items():
        if column.required and column.role is not Role.ID and not column.personal and name not in spec.vectors:
            checks.append(_check("expect_column_values_to_not_be_null", name))
    for pinned in schema.columns:
        if pinned.name in spec.columns and pinned.name not in spec.vectors:
            checks += _column_checks(pinned.name, reference, days, spec)
    return tuple(checks)


def allow_for_chance(check: Check, outcome: CheckOutcome) -> CheckOutcome:
    """Apply a one-sided binomial test to a failed inferred check, and pass it if the failures are not significant.

    Of n rows that each fail with probability 1 - mostly, k failures are significant if P(X >= k) is below 1 in 10,000:
    three of fifty rows outside "99 % in the range" are not, three hundred of five thousand are.
    """
    mostly = check.arguments.get("mostly")
    if outcome.passed is not False or mostly is None or not outcome.unexpected:
        return outcome
    chance = float(special.bdtrc(outcome.unexpected - 1, outcome.rows, 1 - mostly))
    if chance < _LEVEL:
        return outcome
    return replace(outcome, passed=True, observed=f"{outcome.observed}: not significant for so few rows")


def _check(expectation: str, column: str | None, severity: Severity = Severity.WARNING, **arguments: object) -> Check:
    return Check(expectation=expectation, column=column, severity=severity, arguments=arguments)


def _id_checks(spec: ModelSpec) -> Iterator[Check]:
    yield _check("expect_column_values_to_not_be_null", spec.id_column, Severity.BLOCKING)
    yield _check("expect_column_values_to_be_unique", spec.id_column, Severity.BLOCKING)


def _row_checks(days: Sequence[Profile]) -> Iterator[Check]:
    rows = [day.rows for day in days if day.rows]
    if len(rows) >= _MINIMUM_DAYS:
        low, high = int(min(rows) * (1 - _ROWS_MARGIN)), round(max(rows) * (1 + _ROWS_MARGIN))
        yield _check("expect_table_row_count_to_be_between", None, min_value=low, max_value=high)


def _column_checks(name: str, reference: Profile, days: Sequence[Profile], spec: ModelSpec) -> Iterator[Check]:
    column, known = spec.columns[name], reference.columns[name]
    if not known.observed:
        return
    if not column.required:
        worst = _worst_share(name, (reference, *days))
        yield _check("expect_column_values_to_not_be_null", name, mostly=_mostly(worst))
    if isinstance(known, NumericProfile):
        if column.type in _NUMBERS:
            yield from _range_checks(name, known, ends=task_of(spec).ranges.get(column.role))
    elif isinstance(known, CategoryProfile) and _has_vocabulary(name, known, spec):
        yield _vocabulary_check(name, known)


def _has_vocabulary(name: str, known: CategoryProfile, spec: ModelSpec) -> bool:
    """Say whether values beyond the vocabulary suggest broken data; of the patterns of texts many are rare."""
    return spec.columns[name].type in _TEXTS and name not in spec.patterns and bool(known.schema.vocabulary)


def _range_checks(name: str, known: NumericProfile, *, ends: tuple[float, float] | None) -> Iterator[Check]:
    low, high = known.min, known.max
    if low is None or high is None:
        return
    if ends is not None and low >= ends[0] and high <= ends[1]:
        yield _check("expect_column_values_to_be_between", name, min_value=ends[0], max_value=ends[1])
        return
    margin = _RANGE_MARGIN * (high - low) or max(abs(high), 1.0) * _RANGE_MARGIN
    # never negative in the reference, such as a count or a distance: never negative later
    bottom = max(low - margin, 0.0) if low >= 0 else low - margin
    yield _check(
        "expect_column_values_to_be_between",
        name,
        min_value=bottom,
        max_value=high + margin,
        mostly=_RANGE_MOSTLY,
    )


def _vocabulary_check(name: str, known: CategoryProfile) -> Check:
    return _check(
        "expect_column_values_to_be_in_set",
        name,
        value_set=list(known.schema.vocabulary),
        mostly=_mostly(known.unseen_rows / known.observed),
    )


def _worst_share(name: str, profiles: Sequence[Profile]) -> float:
    """Return the largest null rate of the column in any of the profiles."""
    return max(_missing_share(profile.columns[name]) for profile in profiles)


def _missing_share(column: ColumnProfile) -> float:
    return column.missing / column.rows if column.rows else 0.0


def _mostly(bad_share: float) -> float:
    """Return the share of rows that must pass, if `bad_share` is known to occur."""
    return max(0.0, round(1 - bad_share - _SHARE_MARGIN, 4))
