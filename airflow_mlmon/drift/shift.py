"""Shift of a vector's mean, which its norms do not show because a rotation keeps them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.dimensions import DimensionSums
from airflow_mlmon.profiles.columns.vector import VectorProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanShift:
    """Dimension whose mean has moved furthest.

    Attributes:
        value: Its shift in standard deviations of the reference.
        dimension: Its index, from 0.
        dimensions: Number of dimensions.
        p_value: P-value of the largest difference over all dimensions.
    """

    value: float
    dimension: int
    dimensions: int
    p_value: float

    @property
    def text(self) -> str:
        """Format the shift.

        >>> MeanShift(value=0.82, dimension=17, dimensions=384, p_value=0.0).text
        'mean shift 0.820 sd in dimension 17 of 384'
        """
        return f"mean shift {self.value:.3f} sd in dimension {self.dimension} of {self.dimensions}"


def mean_shift(reference: ColumnProfile, current: ColumnProfile, minimum_rows: int = 2) -> MeanShift | None:
    """Return the largest standardised mean difference over the dimensions of a vector; None for other columns.

        max over j of |mean_j - mean'_j| / max(s_j, quantum),  s_j the reference's standard deviation (divided by n)

    Bins: none, the sums are exact integers on the layout's quantum. Smoothing: an s_j below one quantum
    counts as one. Range: 0 to infinity; not symmetric, because the reference alone is the unit. P-value:
    Student's test of the dimension with the largest t, its variance pooled, times the number of
    dimensions (Bonferroni). Source: Cohen's d per dimension; evidently compares embeddings by the distance
    of their means (`distance`) or by the share of dimensions that drift (`ratio`), and the largest
    difference is the score of these that names the dimension.

    Also None if a side has fewer than `minimum_rows` vectors that are finite and not too large.
    """
    if not isinstance(reference, VectorProfile) or not isinstance(current, VectorProfile):
        return None
    return shift_of(reference.dimensions, current.dimensions, minimum_rows)


def shift_of(first: DimensionSums, second: DimensionSums, minimum_rows: int = 2) -> MeanShift | None:
    """Return the shift as `mean_shift` does, from the sums of the reference and of the current vectors."""
    from scipy.special import stdtr  # noqa: PLC0415 - slow to import

    if min(first.rows, second.rows) < max(minimum_rows, 2):
        return None
    gaps = np.abs(first.means - second.means)
    variances = first.variances
    shifts = gaps / np.sqrt(np.maximum(variances, 1.0))
    freedom = first.rows + second.rows - 2
    pooled = np.maximum((first.rows * variances + second.rows * second.variances) / freedom, 1.0)
    statistic = float((gaps / np.sqrt(pooled * (1 / first.rows + 1 / second.rows))).max())
    furthest = int(np.argmax(shifts))
    return MeanShift(
        value=float(shifts[furthest]),
        dimension=furthest,
        dimensions=len(shifts),
        p_value=min(1.0, float(2 * stdtr(freedom, -statistic)) * len(shifts)),
    )
