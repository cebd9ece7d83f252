"""Estimate of the change of the mean output that the drift of one column alone would cause.

    sum over bins (current share - baseline share) * mean output of the bin

The mean outputs come from a sample of the reference. The sum is the change of the mean output if the output depended on
the column as in the sample and nothing else changed. It ranks columns that have drifted together, and nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from airflow_mlmon.evaluation.sample_bins import SampleBins
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.statistics.arrays import Floats

_FEWEST_ROWS = 100


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
    shifts, there = {}, set(sample.column_names)
    for name, column in now.items():
        if name not in there or name not in baseline:
            continue
        bins = SampleBins.of(sample.column(name), column)
        is_held = np.isfinite(outputs) & (bins.places >= 0) if bins else np.zeros(0, np.bool_)
        if bins is None or is_held.sum() < _FEWEST_ROWS:
            continue
        means = _mean_by_place(bins.places[is_held], outputs[is_held], bins.size)
        after, before = bins.counts(column), bins.counts(baseline[name])
        if after.sum() and before.sum():
            shifts[name] = float(after @ means / after.sum() - before @ means / before.sum())
    return shifts


def _mean_by_place(places: npt.NDArray[np.int64], outputs: Floats, bins: int) -> Floats:
    """Return the mean output of each bin; of an empty bin, that of all rows."""
    counts = np.bincount(places, minlength=bins)
    totals = np.bincount(places, weights=outputs, minlength=bins)
    means: Floats = np.where(counts > 0, totals / np.maximum(counts, 1), outputs.mean())
    return means
