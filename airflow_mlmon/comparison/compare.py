"""Comparison of two data sets column by column, with all columns of either."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from airflow_mlmon.comparison.dataset import Dataset
from airflow_mlmon.comparison.row_numbers import numbers_rows
from airflow_mlmon.comparison.sampled import ask_evidently
from airflow_mlmon.drift.bins import Sides
from airflow_mlmon.drift.compare import vector_remarks
from airflow_mlmon.drift.sampled import SampledScore
from airflow_mlmon.drift.shift import MeanShift, mean_shift
from airflow_mlmon.evaluation.pair import EMPTY_LIMIT, SHIFT_LIMIT, is_rare, score_column
from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.identifier import IdentifierProfile
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.columns.vector import VectorProfile
from airflow_mlmon.records import VerdictState
from airflow_mlmon.spec.choices import MINIMUM_ROWS
from airflow_mlmon.spec.methods import Method
from airflow_mlmon.statistics import two_sample
from airflow_mlmon.statistics.correction import adjust
from airflow_mlmon.tables.contents import Content

_TIMES = (Content.TIME, Content.TIME_WITH_ZONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnComparison:
    """Comparison of one column.

    Attributes:
        column: The column.
        content: Its kind of content.
        state: Its verdict.
        method: The method of the score; None if the column is not compared.
        score: The distance, or the statistic of the test.
        effect: The effect size, which does not depend on the number of rows; see `drift.significance`.
        limit: The smallest effect that counts as drift.
        test: The test of the p-value: the method itself, or the companion test of a distance.
        p_value: P-value of the values, corrected over the whole comparison.
        empty_p_value: P-value of the null rate, with the same correction.
        shift: Shift of the mean of a vector.
        shift_p_value: P-value of this shift, with the same correction.
        reference: The profile of the reference; None if it lacks the column.
        current: The profile of the current rows; None if they lack the column.
        note: The reason for a missing verdict, or a remark.
    """

    column: str
    content: str
    state: VerdictState
    method: Method | None = None
    score: float | None = None
    effect: float | None = None
    limit: float | None = None
    test: Method | None = None
    p_value: float | None = None
    empty_p_value: float | None = None
    shift: MeanShift | None = None
    shift_p_value: float | None = None
    reference: ColumnProfile | None = None
    current: ColumnProfile | None = None
    note: str = ""

    @property
    def has_drifted(self) -> bool:
        """Return True if the values or the null rate have drifted."""
        return self.state is VerdictState.BREACH

    @property
    def rank(self) -> tuple[int, float, str]:
        """Return the sort key: drifted columns, then those without a verdict, then the others."""
        order = {VerdictState.BREACH: 0, VerdictState.INSUFFICIENT_DATA: 1}.get(self.state, 2)
        ratio = self.effect / self.limit if self.effect is not None and self.limit else 0.0
        if self.shift is not None:
            ratio = max(ratio, self.shift.value / SHIFT_LIMIT)
        return order, -max(ratio, abs(self.empty_gap or 0.0) / EMPTY_LIMIT), self.column

    @property
    def empty_gap(self) -> float | None:
        """Return the increase of the null rate."""
        first, second = empty_share(self.reference), empty_share(self.current)
        return None if first is None or second is None else second - first


def empty_share(column: ColumnProfile | None) -> float | None:
    """Return the share of null and NaN values of a column; None without rows."""
    return column.missing / column.rows if column is not None and column.rows else None


def compare_columns(
    reference: Dataset, current: Dataset, method: str, limit: float | None
) -> tuple[ColumnComparison, ...]:
    """Compare every column of either side, sorted by drift.

    Raises:
        ConfigError: the method is unknown, or needs rows.
    """
    names = dict.fromkeys((*reference.contents, *current.contents))
    answers = ask_evidently(reference, current, method)
    measured = [_measure(name, reference, current, method, limit=limit, answer=answers.get(name)) for name in names]
    # one family of tests: values, null rate and the mean of vectors
    found = [p_value for column in measured for p_value in (column.p_value, column.empty_p_value, column.shift_p_value)]
    corrected = adjust(found)
    thirds = zip(measured, corrected[::3], corrected[1::3], corrected[2::3], strict=True)
    evaluated = [
        _evaluate(replace(column, p_value=values, empty_p_value=empty, shift_p_value=shift))
        for column, values, empty, shift in thirds
    ]
    return tuple(sorted(evaluated, key=lambda column: column.rank))


def _measure(
    name: str, reference: Dataset, current: Dataset, method: str, *, limit: float | None, answer: SampledScore | None
) -> ColumnComparison:
    known = reference.contents.get(name) or current.contents[name]
    first = reference.profile.columns.get(name) if name in reference.contents else None
    second = current.profile.columns.get(name) if name in current.contents else None
    made = ColumnComparison(
        column=name,
        content=known.content.value,
        state=VerdictState.INSUFFICIENT_DATA,
        reference=first,
        current=second,
    )
    if first is None or second is None:
        return replace(made, note=_absence(name, reference, current))
    made = replace(made, empty_p_value=_test_empty(first, second))
    notes = [*_shortages("reference", first), *_shortages("current", second), *_rarities(first, second)]
    if numbers_rows(name, first, second):
        return replace(made, empty_p_value=None, note="row numbers are not compared")
    if notes:
        return replace(made, note="; ".join(notes))
    if known.content in _TIMES and _is_midnight(first) and _is_midnight(second):
        return replace(made, note="dates are not compared")
    found = score_column(method, first, second, limit=limit, answer=answer)
    if found is None:
        return replace(made, note=answer.note if answer else _lack(method, first))
    shift = mean_shift(first, second, MINIMUM_ROWS)
    return replace(
        made,
        shift=shift,
        shift_p_value=shift.p_value if shift else None,
        method=found.method,
        score=found.score,
        effect=found.effect,
        limit=found.limit,
        test=found.test,
        p_value=found.p_value,
        note="; ".join(filter(None, (*_remarks(reference, current, first, second), found.note))),
    )


def _is_midnight(column: ColumnProfile) -> bool:
    """Return whether each time is the midnight of its day, as dates are that were written as times."""
    return isinstance(column, NumericProfile) and column.min == column.max == 0


def _evaluate(column: ColumnComparison) -> ColumnComparison:
    """Decide on drift from the corrected p-values."""
    is_emptier = is_rare(column.empty_p_value) and abs(column.empty_gap or 0.0) >= EMPTY_LIMIT
    if is_emptier:
        empties = [empty_share(side) or 0.0 for side in (column.reference, column.current)]
        said = f"null rate changed from {empties[0]:.1%} to {empties[1]:.1%}"
        column = replace(column, state=VerdictState.BREACH, note="; ".join(filter(None, (said, column.note))))
    if column.effect is None or column.limit is None or column.p_value is None:
        return column
    has_moved = is_rare(column.p_value) and column.effect >= column.limit
    is_beyond = is_emptier or has_moved or _has_shifted(column)
    if column.shift is not None:
        column = replace(column, note="; ".join(filter(None, (column.shift.text, column.note))))
    return replace(column, state=VerdictState.BREACH if is_beyond else VerdictState.OK)


def _has_shifted(column: ColumnComparison) -> bool:
    return column.shift is not None and is_rare(column.shift_p_value) and column.shift.value >= SHIFT_LIMIT


def _lack(method: str, column: ColumnProfile) -> str:
    """Return the reason for a missing score."""
    if isinstance(column, VectorProfile):
        return f"not compared: {method} needs rows, and samples contain no vectors"
    return f"{method} cannot be computed for this column"


def _test_empty(reference: ColumnProfile, current: ColumnProfile) -> float | None:
    if min(reference.rows, current.rows) < MINIMUM_ROWS:
        return None
    if not reference.missing + current.missing:
        return None
    return two_sample.z(reference.missing, reference.rows, current.missing, current.rows).p_value


def _absence(name: str, reference: Dataset, current: Dataset) -> str:
    if name not in reference.contents:
        return "not in the reference"
    if name not in current.contents:
        return "not in the current data"
    if reference.contents[name].content is Content.VECTOR:
        return "no vectors: the first rows of the reference contain no lists, or lists of different lengths"
    if reference.contents[name].is_profiled:
        return "missing in the first rows, from which the profile contents was pinned"
    return f"{reference.contents[name].content} ({reference.contents[name].type}) are not compared"


def _shortages(side: str, column: ColumnProfile) -> Iterator[str]:
    if not column.rows:
        yield f"{side} has no rows"
    elif column.nulls == column.rows:
        yield f"{side} is all null"
    elif not column.observed:
        yield f"{side} has no finite value"
    elif column.observed < MINIMUM_ROWS:
        yield f"{side} has {column.observed} values, fewer than {MINIMUM_ROWS}"


def _rarities(reference: ColumnProfile, current: ColumnProfile) -> Iterator[str]:
    """Yield the reasons not to compare identifiers and free text, whose frequencies mean nothing."""
    if isinstance(reference, IdentifierProfile):
        yield "identifiers are counted, not compared"
    if not isinstance(reference, CategoryProfile) or not reference.observed or not current.observed:
        return
    distinct = len(reference.known) + len(reference.unseen)
    if distinct > MINIMUM_ROWS and len(Sides(reference, current).pooled[0]) == 1:
        yield "nearly all values are distinct"


def _remarks(reference: Dataset, current: Dataset, first: ColumnProfile, second: ColumnProfile) -> Iterator[str]:
    for side, dataset, column in (("reference", reference, first), ("current", current, second)):
        if isinstance(column, NumericProfile) and column.infinities:
            yield f"{side} has {column.infinities:,} infinite values, not compared"
        elif isinstance(column, VectorProfile):
            yield from vector_remarks(side, column)
        if absent := dataset.profile.rows - column.rows:
            yield f"missing in {absent:,} rows of the {side}"
    if isinstance(first, NumericProfile) and isinstance(second, NumericProfile):
        if first.distribution.is_too_coarse or second.distribution.is_too_coarse:
            yield "few bins for these values"
    elif isinstance(second, CategoryProfile) and (fresh := _fresh_names(first, second)):
        yield f"new categories: {fresh}"


def _fresh_names(reference: ColumnProfile, current: CategoryProfile) -> str:
    """Return the most frequent values that do not occur in the reference."""
    if not isinstance(reference, CategoryProfile) or reference.new_rows or not current.new_rows:
        return ""
    shown = [f"{name} ({count / current.observed:.1%})" for name, count in current.names[:3]]
    more = len(current.names if reference.unseen_rows else current.unseen) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
