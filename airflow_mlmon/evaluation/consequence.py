"""Estimate of the change of the mean output that the drift of one column alone would cause.

    sum over bins (current share - baseline share) * mean output of the bin

The mean outputs come from a sample of the reference. The sum is the change of the mean output if the output depended on
the column as in the sample and nothing else changed. It ranks columns that have drifted together, and nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.statistics.arrays import Floats

_BINS = 20
_FEWEST_ROWS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class _Means:
    """Mean score in each bin of a column."""

    edges: Floats
    vocabulary: tuple[str, ...]
    means: Floats

    def expected(self, column: ColumnProfile) -> float | None:
        """Return the expected mean output for the distribution of a column."""
        counts = self._counts(column)
        total = counts.sum()
        return float(counts @ self.means / total) if total else None

    def _counts(self, column: ColumnProfile) -> Floats:
        if isinstance(column, CategoryProfile):
            known = column.known.spread(np.arange(len(self.vocabulary)))
            return np.append(known, column.unseen_rows).astype(np.float64)
        if isinstance(column, NumericProfile):
            points = column.distribution.points
            places = np.searchsorted(self.edges, points.keys + column.schema.centre, side="right")
            return np.bincount(places, weights=points.counts, minlength=len(self.means)).astype(np.float64)
        return np.zeros(len(self.means))


def output_shifts(
    sample: pa.Table, output: str, now: Mapping[str, ColumnProfile], baseline: Mapping[str, ColumnProfile]
) -> dict[str, float]:
    """Estimate the change of the mean output by each column's drift alone, in units of the output.

    Args:
        sample: rows of the reference with the columns and the output.
        output: name of the output.
        now: the current profiles of the columns.
        baseline: their baselines.
    """
    outputs = sample.column(output).cast(pa.float64()).to_numpy(zero_copy_only=False)
    shifts = {}
    for name, column in now.items():
        if name not in sample.column_names or name not in baseline:
            continue
        means = _means(sample.column(name), outputs, column)
        if means is None:
            continue
        after, before = means.expected(column), means.expected(baseline[name])
        if after is not None and before is not None:
            shifts[name] = after - before
    return shifts


def _means(values: pa.ChunkedArray, outputs: Floats, column: ColumnProfile) -> _Means | None:
    if isinstance(column, CategoryProfile):
        vocabulary = column.schema.vocabulary
        found = pc.index_in(values.cast(pa.string()), value_set=pa.array(vocabulary, pa.string()))
        places = found.fill_null(len(vocabulary)).to_numpy(zero_copy_only=False)
        is_held = np.isfinite(outputs)
        edges = np.zeros(0)
        bins = len(vocabulary) + 1
    elif isinstance(column, NumericProfile) and (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        vocabulary = ()
        numbers = values.cast(pa.float64()).to_numpy(zero_copy_only=False)
        is_held = np.isfinite(numbers) & np.isfinite(outputs)
        edges = (
            np.unique(np.quantile(numbers[is_held], np.linspace(0, 1, _BINS + 1)[1:-1]))
            if is_held.any()
            else np.zeros(0)
        )
        places = np.searchsorted(edges, np.where(is_held, numbers, 0.0), side="right")
        bins = len(edges) + 1
    else:
        return None
    if is_held.sum() < _FEWEST_ROWS:
        return None
    means = _mean_by_place(places[is_held], outputs[is_held], bins)
    return _Means(edges=edges, vocabulary=vocabulary, means=means)


def _mean_by_place(places: npt.NDArray[np.int64], outputs: Floats, bins: int) -> Floats:
    """Return the mean output of each bin; of an empty bin, that of all rows."""
    counts = np.bincount(places, minlength=bins)
    totals = np.bincount(places, weights=outputs, minlength=bins)
    means: Floats = np.where(counts > 0, totals / np.maximum(counts, 1), outputs.mean())
    return means
