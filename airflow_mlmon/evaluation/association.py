"""Drift of a column that the drift of another explains, by their association in a sample of the reference.

The rows of the sample are weighted by how much more often their value of the one column came on the day than in the
baseline. What the weights do to the other column is the drift that the first explains:

    R^2 = 1 - sum over bins (observed change - explained change)^2 / share  /  sum over bins observed change^2 / share
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from airflow_mlmon.evaluation.sample_bins import SampleBins
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.statistics.arrays import Floats

_FEWEST_ROWS = 100
# at most so many columns are compared with each other
_MOST_COLUMNS = 30
# share of a change that another column has to explain
_EXPLAINED = 0.5
# no value counts for more rows than this
_HEAVIEST = 20.0


def explained_drifts(
    sample: pa.Table,
    columns: Sequence[str],
    now: Mapping[str, ColumnProfile],
    baseline: Mapping[str, ColumnProfile],
) -> frozenset[tuple[str, str]]:
    """Return the pairs of columns of which the first's drift explains at least half of the second's.

    Args:
        sample: rows of the reference with the columns.
        columns: columns that have drifted.
        now: the current profiles of the columns.
        baseline: their baselines.
    """
    binned = {}
    for name in columns[:_MOST_COLUMNS]:
        if name in sample.column_names and name in now and name in baseline:
            bins = SampleBins.of(sample.column(name), now[name])
            if bins is not None and bins.counts(now[name]).sum() and bins.counts(baseline[name]).sum():
                binned[name] = bins
    shares = {
        name: (_shares(bins.counts(now[name])), _shares(bins.counts(baseline[name]))) for name, bins in binned.items()
    }
    return frozenset(
        (one, other)
        for one, other in permutations(binned, 2)
        if _explained(binned[one], shares[one], binned[other], shares[other]) >= _EXPLAINED
    )


def _shares(counts: npt.NDArray[Any]) -> Floats:
    found: Floats = counts / counts.sum()
    return found


def _explained(
    one: SampleBins, of_one: tuple[Floats, Floats], other: SampleBins, of_other: tuple[Floats, Floats]
) -> float:
    is_held = (one.places >= 0) & (other.places >= 0)
    if is_held.sum() < _FEWEST_ROWS:
        return 0.0
    first, second = one.places[is_held], other.places[is_held]
    before = _shares(np.bincount(first, minlength=one.size))
    weights = np.minimum(of_one[0] / np.maximum(before, 1e-12), _HEAVIEST)[first]
    if not weights.sum():
        return 0.0
    explained = _shares(np.bincount(second, weights=weights, minlength=other.size)) - _shares(
        np.bincount(second, minlength=other.size)
    )
    observed = of_other[0] - of_other[1]
    scale = np.maximum((of_other[0] + of_other[1]) / 2, 1e-9)
    total = float((observed**2 / scale).sum())
    return 1 - float(((observed - explained) ** 2 / scale).sum()) / total if total else 0.0
