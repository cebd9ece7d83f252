"""Counts of rows that checks ask for, made in one pass over their columns, in memory that does not grow.

They are those that Great Expectations makes of the same rows as a frame; where the type of a column or of a bound
leaves that open, nothing is counted, and the check is run on its column.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.profiles.values.arrow import to_numpy, to_text_array
from airflow_mlmon.profiles.values.decimals import decimals_to_doubles
from airflow_mlmon.spec.quality import Check

LARGEST_EXACT = 2**53
_TOGETHER = 64
_RANGE = {"min_value", "max_value", "strict_min", "strict_max"}


class CheckedRows(Protocol):
    """Rows of a day."""

    @property
    def rows(self) -> int:
        """Their number."""

    @property
    def scalars(self) -> tuple[str, ...]:
        """Names of the columns that are no vectors."""

    def batches(
        self, columns: Collection[str], where_there: Collection[str] = ..., size: int = ...
    ) -> Iterator[pa.Table]:
        """Yield some columns, and those of `where_there` that a file has, in batches of at most `size` rows."""

    def table(self, columns: Collection[str], where_there: Collection[str] = ...) -> pa.Table:
        """Return some columns of all rows at once."""


@dataclass(frozen=True, slots=True)
class Nulls:
    """Rows without a value, or with one."""

    column: str
    absent: bool = False


@dataclass(frozen=True, slots=True)
class Outside:
    """Rows with a number that is not within bounds."""

    column: str
    low: float | None
    high: float | None
    strict_low: bool = False
    strict_high: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """Rows with one of some texts, or with another."""

    column: str
    texts: frozenset[str]
    absent: bool = False


@dataclass(frozen=True, slots=True)
class Repeated:
    """Rows with a value that another row has too; see `quality.repeated`."""

    column: str


@dataclass(frozen=True, slots=True)
class ColumnMeasure:
    """Measure of a column's numbers, named like the metric of Great Expectations; see `quality.measures`."""

    column: str
    metric: str


Question = Nulls | Outside | Listed | Repeated | ColumnMeasure


@dataclass(frozen=True, slots=True)
class CheckCounts:
    """Number of rows without a value, and of those that a check does not expect."""

    nulls: int
    unexpected: int


def question_of(check: Check) -> Question | None:
    """Return what rows a check asks to count; None if only Great Expectations knows."""
    given = {name: value for name, value in check.arguments.items() if value is not None and name != "mostly"}
    ask = _ASKED.get(check.expectation)
    return None if ask is None or check.column is None else ask(check.column, given)


def _ask_nulls(column: str, given: Mapping[str, Any]) -> Nulls | None:
    return None if given else Nulls(column)


def _ask_values(column: str, given: Mapping[str, Any]) -> Nulls | None:
    return None if given else Nulls(column, absent=True)


def _ask_range(column: str, given: Mapping[str, Any]) -> Outside | None:
    low, high = given.get("min_value"), given.get("max_value")
    bounds = [bound for bound in (low, high) if bound is not None]
    if not bounds or not given.keys() <= _RANGE or not all(_is_number(bound) for bound in bounds):
        return None
    if low is not None and high is not None and not low <= high:
        return None
    return Outside(column, low, high, bool(given.get("strict_min")), bool(given.get("strict_max")))


def _is_number(bound: object) -> bool:
    """Tell whether a bound is the double that Great Expectations makes of it."""
    if isinstance(bound, int):
        return not isinstance(bound, bool) and abs(bound) <= LARGEST_EXACT
    return isinstance(bound, float)


def _ask_set(column: str, given: Mapping[str, Any], *, absent: bool) -> Listed | None:
    values = given.get("value_set")
    if given.keys() != {"value_set"} or not isinstance(values, list | tuple):
        return None
    return Listed(column, frozenset(values), absent) if all(isinstance(value, str) for value in values) else None


def _ask_measure(column: str, given: Mapping[str, Any], *, metric: str) -> ColumnMeasure | None:
    return ColumnMeasure(column, metric) if given.keys() <= _RANGE else None


def _ask_repeats(column: str, given: Mapping[str, Any]) -> Repeated | None:
    return None if given else Repeated(column)


_ASKED: Mapping[str, Callable[[str, Mapping[str, Any]], Question | None]] = {
    "expect_column_values_to_not_be_null": _ask_nulls,
    "expect_column_values_to_be_null": _ask_values,
    "expect_column_values_to_be_between": _ask_range,
    "expect_column_values_to_be_in_set": partial(_ask_set, absent=True),
    "expect_column_values_to_not_be_in_set": partial(_ask_set, absent=False),
    "expect_column_values_to_be_unique": _ask_repeats,
    "expect_column_min_to_be_between": partial(_ask_measure, metric="column.min"),
    "expect_column_max_to_be_between": partial(_ask_measure, metric="column.max"),
    "expect_column_sum_to_be_between": partial(_ask_measure, metric="column.sum"),
    "expect_column_mean_to_be_between": partial(_ask_measure, metric="column.mean"),
    "expect_column_stdev_to_be_between": partial(_ask_measure, metric="column.standard_deviation"),
}


def count_rows(questions: Iterable[Question], rows: CheckedRows, size: int) -> dict[Question, CheckCounts]:
    """Count the rows that are asked for; a question is left out where the type of its column does not suit it."""
    counters: dict[str, list[_Counter]] = {}
    for question in dict.fromkeys(questions):
        if isinstance(question, Nulls | Outside | Listed):
            counters.setdefault(question.column, []).append(_Counter(question))
    # a batch of many columns would be large
    names = list(counters)
    for start in range(0, len(names), _TOGETHER):
        columns = names[start : start + _TOGETHER]
        for batch in rows.batches([], columns, size):
            for name in columns:
                values = BatchValues(batch.column(name)) if name in batch.column_names else None
                for counter in counters[name]:
                    counter.add(values, batch.num_rows)
    made = chain.from_iterable(counters.values())
    return {counter.question: CheckCounts(counter.nulls, counter.unexpected) for counter in made if counter.is_exact}


class BatchValues:
    """Values of a column in a batch, converted once for all questions."""

    def __init__(self, column: pa.ChunkedArray) -> None:
        self.column = column

    @cached_property
    def nulls(self) -> int:
        """Rows that are null to pandas: NaN is."""
        nans = int(np.isnan(self.numbers).sum()) if pa.types.is_floating(self.column.type) else 0
        return int(self.column.null_count) + nans

    @cached_property
    def numbers(self) -> npt.NDArray[np.number]:
        """Values that are there; decimals as doubles."""
        held = self.column.drop_null() if self.column.null_count else self.column
        return decimals_to_doubles(held) if pa.types.is_decimal(held.type) else to_numpy(held)

    @cached_property
    def is_beyond_doubles(self) -> bool:
        """Whether one of the integers may be no double."""
        numbers = self.numbers
        return bool(len(numbers) and (numbers.min() < -LARGEST_EXACT or numbers.max() > LARGEST_EXACT))


class _Counter:
    """Counter of one question over any number of batches."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.nulls = self.unexpected = 0
        self.is_exact = True
        self._texts = to_text_array(sorted(question.texts) if isinstance(question, Listed) else [])

    def add(self, values: BatchValues | None, rows: int) -> None:
        """Count a batch; one of a file without the column has no value of it."""
        if values is None:
            self.nulls += rows
            self.unexpected += rows if isinstance(self.question, Nulls) and not self.question.absent else 0
        elif self.is_exact:
            self._count(self.question, values, rows)

    def _count(self, question: Question, values: BatchValues, rows: int) -> None:
        kind = values.column.type
        nulls = values.nulls
        self.nulls += nulls
        if isinstance(question, Nulls):
            self.unexpected += rows - nulls if question.absent else nulls
        elif isinstance(question, Listed):
            self.is_exact = pa.types.is_string(kind) or pa.types.is_large_string(kind)
            if self.is_exact:
                listed = pc.sum(pc.is_in(values.column, value_set=self._texts.cast(kind))).as_py() or 0
                self.unexpected += rows - nulls - listed if question.absent else listed
        elif isinstance(question, Outside):
            self.is_exact = _is_comparable(values)
            if self.is_exact:
                self.unexpected += rows - nulls - _count_within(question, values.numbers)


def _is_comparable(values: BatchValues) -> bool:
    """Tell whether pandas compares the numbers as numpy does, which it may not for integers that are no doubles."""
    kind = values.column.type
    if kind == pa.int64():
        return not values.is_beyond_doubles
    return bool(kind == pa.float64() or pa.types.is_decimal(kind))


def _count_within(question: Outside, numbers: npt.NDArray[np.number]) -> int:
    low, high = question.low, question.high
    sides = []
    if low is not None:
        sides.append(numbers > low if question.strict_low else numbers >= low)
    if high is not None:
        sides.append(numbers < high if question.strict_high else numbers <= high)
    return int(np.count_nonzero(sides[0] & sides[-1]))
