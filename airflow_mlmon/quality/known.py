"""What checks ask of a day that is known before its rows are read: by its curation, and from its profile."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.quality.counts import (
    LARGEST_EXACT,
    CheckCounts,
    CheckedRows,
    ColumnMeasure,
    Listed,
    Nulls,
    Outside,
    Question,
    Repeated,
    count_rows,
)
from airflow_mlmon.quality.measures import measure_columns
from airflow_mlmon.quality.repeated import count_repeated
from airflow_mlmon.spec.choices import ColumnType
from airflow_mlmon.spec.model import ModelSpec

Counted = CheckCounts | float
_NUMBERS = {ColumnType.FLOAT, ColumnType.INTEGER, ColumnType.DECIMAL}
_TEXTS = {ColumnType.STRING, ColumnType.CATEGORY}


@dataclass(frozen=True, slots=True)
class Known:
    """Knowledge of the rows of a day.

    Attributes:
        spec: Model of the rows.
        profile: Profile of the rows; None where there is none yet.
        ids: Column of which each row has a value of its own, such as the prediction id after curation.
    """

    spec: ModelSpec
    profile: Profile | None = None
    ids: str | None = None

    def count(self, questions: AbstractSet[Question], rows: CheckedRows, size: int) -> dict[Question, Counted]:
        """Return the counts and measures that are known, and of the others those that can be made of the rows."""
        found: dict[Question, Counted] = {}
        for question in questions:
            if (counts := self.answer(question)) is not None:
                found[question] = counts
        rest = questions - found.keys()
        for question in rest:
            if isinstance(question, Repeated) and (counts := count_repeated(question.column, rows, size)) is not None:
                found[question] = counts
        found.update(measure_columns(rest, rows, size))
        return found | count_rows(rest, rows, size)

    def answer(self, question: Question) -> Counted | None:
        """Return the counts of a question, as they would be made of the rows; None if they are not known."""
        name = question.column
        if name == self.ids and isinstance(question, Nulls | Repeated):
            is_of_values = isinstance(question, Nulls) and question.absent
            return None if is_of_values else CheckCounts(nulls=0, unexpected=0)
        if self.profile is None or name not in self.spec.columns:
            return None
        column = self.profile.columns.get(name)
        if column is None or column.schema.derived is not None:
            return None
        if isinstance(question, ColumnMeasure):
            return _measure(question, column, self.spec.columns[name].type)
        unexpected = _count(question, column, self.spec.columns[name].type, self.profile.rows)
        nulls = self.profile.rows - column.rows + column.missing
        return None if unexpected is None else CheckCounts(nulls=nulls, unexpected=unexpected)


def _count(question: Question, column: ColumnProfile, kind: ColumnType, rows: int) -> int | None:
    present = column.rows - column.missing
    if isinstance(question, Nulls):
        return present if question.absent else rows - present
    if isinstance(question, Outside) and isinstance(column, NumericProfile) and kind in _NUMBERS:
        return 0 if _are_all_within(question, column) else None
    if isinstance(question, Listed) and isinstance(column, CategoryProfile) and kind in _TEXTS:
        return None if column.unseen_rows else _count_listed(question, column)
    return None


def _count_listed(question: Listed, column: CategoryProfile) -> int:
    vocabulary = enumerate(column.schema.vocabulary)
    listed = sum(column.known.count_of(position) for position, text in vocabulary if text in question.texts)
    return column.observed - listed if question.absent else listed


def _measure(question: ColumnMeasure, column: ColumnProfile, kind: ColumnType) -> float | None:
    """Return an extreme; sums of a profile are those of its quanta."""
    if not isinstance(column, NumericProfile) or kind not in _NUMBERS or not _is_of_doubles(column):
        return None
    return {"column.min": column.min, "column.max": column.max}.get(question.metric)


def _is_of_doubles(column: NumericProfile) -> bool:
    """Tell whether all values are finite, and integers doubles."""
    ends = (column.min, column.max)
    return not column.infinities and all(end is None or abs(end) <= LARGEST_EXACT for end in ends)


def _are_all_within(question: Outside, column: NumericProfile) -> bool:
    if not _is_of_doubles(column):
        return False
    if column.min is None or column.max is None:
        return True
    low, high = question.low, question.high
    return (low is None or (low < column.min if question.strict_low else low <= column.min)) and (
        high is None or (column.max < high if question.strict_high else column.max <= high)
    )
