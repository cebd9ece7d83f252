"""Profiles from Druid's counts, bit for bit those of the rows; pure, no I/O."""

from __future__ import annotations

import base64
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from airflow_mlmon.druid.answers import AnswerRows
from airflow_mlmon.druid.flags import Flag
from airflow_mlmon.druid.profile_sql import CELL_SHIFT, SHIFTER
from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.profiles.columns.distribution import Distribution
from airflow_mlmon.profiles.columns.grid import LAST_CELL, to_bounds, to_cells
from airflow_mlmon.profiles.columns.identifier import IdentifierProfile
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.columns.sketch import DistinctSketch
from airflow_mlmon.profiles.columns.tally import Tally
from airflow_mlmon.profiles.schema import ColumnSchema
from airflow_mlmon.profiles.values.arrow import to_text_array
from airflow_mlmon.profiles.values.exact import to_integer
from airflow_mlmon.profiles.values.reading import Texts

_SHIFTER_BITS = int(np.float64(SHIFTER).view(np.int64))
_WORD = 2**64
# The square of an integer below this fits into a long.
FAR = 2**31


class NotCountableError(Exception):
    """Druid's counts do not determine the profile; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extremes:
    """Smallest and largest value in Druid."""

    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Exact sums of deviations in units of the quantum and of its square."""

    total: int = 0
    squares: int = 0

    def __add__(self, other: Sums) -> Sums:
        """Add the sums."""
        return Sums(total=self.total + other.total, squares=self.squares + other.squares)


@dataclass(frozen=True, slots=True, kw_only=True)
class CellCounts:
    """Counts by cell of the rows with a value in a part.

    Attributes:
        nulls: Rows without a value.
        codes: Number of codes, at most the number of distinct deviations.
        tally: Rows by cell.
        sums: Sums of the cells that are not far.
        low: Upper bound of the far deviations below the centre; None if there are none.
        high: Lower bound of the far deviations above the centre; None if there are none.
    """

    nulls: int
    codes: int
    tally: Tally
    sums: Sums
    low: float | None
    high: float | None


def read_cells(schema: ColumnSchema, answer: AnswerRows) -> CellCounts:
    """Parse the answer to `profile_sql.cells` for one part.

    Raises:
        NotCountableError: Druid's totals do not determine the sums.
    """
    held = [row for row in answer if row["k"] is not None]
    codes = np.array([row["k"] for row in held], dtype=np.int64)
    counts = np.array([row["n"] for row in held], dtype=np.int64)
    cells = to_cells((codes << CELL_SHIFT).view(np.float64))
    begins, ends = to_bounds(cells)
    sums, low, high = Sums(), None, None
    for row, cell, begin, end in zip(held, cells.tolist(), begins.tolist(), ends.tolist(), strict=True):
        inner, outer = sorted((abs(begin), abs(end))) if cell else (0.0, abs(end))
        if abs(cell) < LAST_CELL and outer / schema.quantum < FAR:
            reach = math.floor(inner / schema.quantum), math.ceil(outer / schema.quantum)
            sums += _unwrapped(row, *reach)
        elif cell > 0:
            high = inner if high is None else min(high, inner)
        elif cell < 0:
            low = -inner if low is None else max(low, -inner)
        else:
            raise NotCountableError("its quantum is too small for the grid")
    return CellCounts(
        nulls=sum(row["n"] for row in answer if row["k"] is None),
        codes=len(held),
        tally=Tally.of_counts(cells, counts),
        sums=sums,
        low=low,
        high=high,
    )


def _unwrapped(row: Mapping[str, Any], least: int, most: int) -> Sums:
    """Recover the sums of a cell's integers, whose magnitudes lie between `least` and `most`."""
    rows = row["n"]
    total = unwrap_total(row["s"], rows)
    lowest, highest = rows * least * least, rows * most * most
    if highest - lowest >= _WORD:
        raise NotCountableError("a cell has too many rows for its sum of squares")
    wrapped = row["ss"] - rows * _SHIFTER_BITS**2 - 2 * _SHIFTER_BITS * total
    return Sums(total=total, squares=lowest + (wrapped - lowest) % _WORD)


def unwrap_total(wrapped: int, rows: int) -> int:
    """Recover the sum of integers that fits into a long, from the wrapped sum of their shifted bits."""
    return (wrapped - rows * _SHIFTER_BITS + _WORD // 2) % _WORD - _WORD // 2


def sum_deviations(schema: ColumnSchema, answer: AnswerRows) -> Sums:
    """Sum the deviations in the answer to `profile_sql.select_values` for one part."""
    total = squares = 0
    for row in answer:
        if row["k"] is not None:
            integer = to_integer(float(row["k"]), schema.quantum)
            total += row["n"] * integer
            squares += row["n"] * integer * integer
    return Sums(total=total, squares=squares)


def parse_distribution(schema: ColumnSchema, answer: AnswerRows) -> Distribution:
    """Parse the distribution from the answer to `profile_sql.select_values` for one part: exact for few values."""
    held = [row for row in answer if row["k"] is not None]
    tally = Tally.of_counts(*_arrays([(float(row["k"]) + 0.0, row["n"]) for row in held]))
    return Distribution.sum_of([Distribution(pinned_atoms=schema.atoms, values=tally)])


def build_grid_distribution(schema: ColumnSchema, cells: CellCounts, atoms: AnswerRows) -> Distribution:
    """Build the distribution on the grid, with the counts of the atoms."""
    return Distribution(
        pinned_atoms=schema.atoms,
        is_exact=False,
        cells=cells.tally,
        atoms=Tally.of_counts(*_arrays([(float(row["k"]), row["n"]) for row in atoms])),
    )


def build_numeric_profile(
    schema: ColumnSchema, distribution: Distribution, *, empty: int, flagged: AnswerRows, extremes: Extremes, sums: Sums
) -> NumericProfile:
    """Build the profile of a part; `empty` counts the rows that are null in Druid, of which some are flagged."""
    flags = {row["k"]: row["n"] for row in flagged}
    return NumericProfile(
        schema=schema,
        rows=distribution.rows + empty,
        nulls=empty - sum(flags.values()),
        nans=flags.get(Flag.NAN, 0),
        positive_infinities=flags.get(Flag.POSITIVE_INFINITY, 0),
        negative_infinities=flags.get(Flag.NEGATIVE_INFINITY, 0),
        min=None if extremes.low is None else float(extremes.low) + 0.0,
        max=None if extremes.high is None else float(extremes.high) + 0.0,
        total=sums.total,
        squares=sums.squares,
        distribution=distribution,
    )


def build_category_profile(schema: ColumnSchema, answer: AnswerRows) -> CategoryProfile:
    """Build the profile of the texts of one part."""
    held = [row for row in answer if row["k"] is not None]
    texts = Texts(
        values=to_text_array([row["k"] for row in held]),
        counts=np.array([row["n"] for row in held], dtype=np.int64),
        nulls=sum(row["n"] for row in answer if row["k"] is None),
    )
    return CategoryProfile.sum_of([CategoryProfile.empty(schema), CategoryProfile.of(schema, texts)])


def build_identifier_profile(schema: ColumnSchema, row: Mapping[str, Any]) -> IdentifierProfile:
    """Build the profile of the identifiers of one part from Druid's sketch.

    Raises:
        NotCountableError: the value is not a sketch.
    """
    try:
        data = base64.b64decode(json.loads(row["sketch"]), validate=True)
        # summing brings a sketch into its canonical form
        sketch = DistinctSketch.sum_of([DistinctSketch(data=data)])
    except (IndexError, TypeError, ValueError, RuntimeError) as error:
        raise NotCountableError(f"Cannot read Druid's sketch: {error}") from error
    return IdentifierProfile(schema=schema, rows=row["n"], nulls=row["n"] - row["held"], sketch=sketch)


def convert_times(answer: AnswerRows) -> list[dict[str, Any]]:
    """Convert counted times of day to counted seconds.

    >>> convert_times([{"k": "00:01:02", "n": 3}, {"k": None, "n": 1}])
    [{'k': 62, 'n': 3}, {'k': None, 'n': 1}]

    Raises:
        NotCountableError: a value is not a time of day.
    """
    counted: Counter[int | None] = Counter()
    for row in answer:
        counted[_second(row["k"])] += row["n"]
    return [{"k": second, "n": rows} for second, rows in counted.items()]


def _second(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        hours, minutes, seconds = map(int, text.split(":"))
    except ValueError:
        raise NotCountableError("it holds a value that is not a timestamp") from None
    return 3600 * hours + 60 * minutes + seconds


def _arrays(pairs: Iterable[tuple[float, int]]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    held = list(pairs)
    return np.array([key for key, _ in held], dtype=np.float64), np.array([rows for _, rows in held], dtype=np.int64)
