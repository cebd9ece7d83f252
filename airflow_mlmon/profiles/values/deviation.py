"""Deviations from the pinned centre, as the doubles on which all numeric counts rest."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from airflow_mlmon.statistics.arrays import Floats

# Double beyond which the centre must lie for a difference to overflow (half an ulp of the largest).
_FAR = 2.0**969


def to_deviations(finite: npt.NDArray[np.number], *, centre: float, integer: bool) -> Floats:
    """Subtract the centre from finite values; integers are subtracted before they become doubles.

    A zero difference may be 0.0 or -0.0.

    >>> to_deviations(np.array([2**60 + 1]), centre=2.0**60, integer=True).tolist()
    [1.0]
    """
    if not integer or finite.dtype.kind == "f" or not finite.size:
        deviations: Floats
        if abs(centre) <= _FAR:
            deviations = np.subtract(finite, centre, dtype=np.float64)
            return deviations
        # a centre and a value at opposite ends of the doubles give infinity
        with np.errstate(over="ignore"):
            deviations = np.subtract(finite, centre, dtype=np.float64)
        return np.nan_to_num(deviations, copy=False)
    whole = int(centre)
    reach = (int(finite.min()), int(finite.max()))
    if all(_fits(bound) and _fits(bound - whole) for bound in (*reach, whole)):
        return (finite.astype(np.int64) - whole).astype(np.float64)
    return np.array([float(value - whole) for value in finite.tolist()], dtype=np.float64)


def _fits(integer: int) -> bool:
    return -(2**63) <= integer < 2**63
