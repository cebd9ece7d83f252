"""Measures of a column's numbers over all batches: extremes, sum, mean and standard deviation.

A sum of batches differs from that of all rows at once in its last bits, so rows that are one batch are left to
Great Expectations.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from airflow_mlmon.quality.counts import BatchValues, CheckedRows, ColumnMeasure, Question
from airflow_mlmon.statistics.arrays import Floats

_FEWEST = 2


def measure_columns(questions: Iterable[Question], rows: CheckedRows, size: int) -> dict[Question, float]:
    """Measure columns of doubles, decimals and integers that are doubles, if all values are finite."""
    by_column: dict[str, list[ColumnMeasure]] = {}
    for question in questions:
        if isinstance(question, ColumnMeasure):
            by_column.setdefault(question.column, []).append(question)
    found: dict[Question, float] = {}
    for column, asked in by_column.items() if rows.rows > size else ():
        if (measured := _measure(column, rows, size)) is not None:
            found |= {question: measured[question.metric] for question in asked}
    return found


def _measure(column: str, rows: CheckedRows, size: int) -> dict[str, float] | None:
    low, high, count, mean, squares = math.inf, -math.inf, 0, 0.0, 0.0
    sums: list[float] = []
    for batch in rows.batches([], [column], size):
        for held in batch.columns:
            numbers = _to_doubles(BatchValues(held))
            if numbers is None:
                return None
            if not len(numbers):
                continue
            low, high = min(low, float(numbers.min())), max(high, float(numbers.max()))
            sums.append(float(numbers.sum()))
            # the squares of the deviations from the mean, as Chan, Golub and LeVeque sum them
            own, apart = float(numbers.mean()), float(numbers.mean()) - mean
            squares += float(((numbers - own) ** 2).sum()) + apart**2 * count * len(numbers) / (count + len(numbers))
            mean += apart * len(numbers) / (count + len(numbers))
            count += len(numbers)
    if count < _FEWEST:
        return None
    total = math.fsum(sums)
    return {
        "column.min": low,
        "column.max": high,
        "column.sum": total,
        "column.mean": total / count,
        "column.standard_deviation": math.sqrt(squares / (count - 1)),
    }


def _to_doubles(values: BatchValues) -> Floats | None:
    kind = values.column.type
    is_number = kind in {pa.float64(), pa.int64()} or pa.types.is_decimal(kind)
    if not is_number or (kind == pa.int64() and values.is_beyond_doubles):
        return None
    numbers: Floats = values.numbers.astype(np.float64, copy=False)
    numbers = numbers[~np.isnan(numbers)]
    return numbers if np.isfinite(numbers).all() else None
