"""Conversion of decimals to the nearest doubles, as Python and every number parser reads them.

Arrow's own cast is off by one bit in one value of ten, so that 12.34 would differ from a 12.34 stored as a
double. Decimals that agree in their first 15 to 17 digits are the same double, hence one value in a profile.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from airflow_mlmon.profiles.values.arrow import to_flag_array, to_numpy

# Up to these, an integer and a power of ten are exact doubles, and their quotient is correctly rounded.
_LARGEST_WHOLE = 2**53
_LARGEST_POWER = 22
_WORDS = np.dtype([("low", "<i8"), ("high", "<i8")])


def decimals_to_doubles(values: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.float64]:
    """Convert each decimal to the nearest double; none may be null.

    >>> from decimal import Decimal
    >>> decimals_to_doubles(pa.array([Decimal("0.1"), Decimal("-12345678901234567890.5")])).tolist()
    [0.1, -1.2345678901234567e+19]
    """
    if isinstance(values, pa.ChunkedArray):
        parts = [decimals_to_doubles(chunk) for chunk in values.chunks]
        return np.concatenate(parts) if parts else np.zeros(0)
    kind = values.type
    if pa.types.is_decimal256(kind) or not 0 <= kind.scale <= _LARGEST_POWER:
        return _parsed(values)
    wide = values.cast(pa.decimal128(38, kind.scale))
    words = np.frombuffer(wide.buffers()[1], _WORDS, len(wide), wide.offset * _WORDS.itemsize)
    low = words["low"]
    doubles: npt.NDArray[np.float64] = low / 10.0**kind.scale
    is_long = (words["high"] != low >> 63) | (np.abs(low) > _LARGEST_WHOLE) | (low == np.iinfo(np.int64).min)
    if is_long.any():
        doubles[is_long] = _parsed(wide.filter(to_flag_array(is_long)))
    return doubles


def _parsed(values: pa.Array) -> npt.NDArray[np.float64]:
    doubles: npt.NDArray[np.float64] = to_numpy(values.cast(pa.string()).cast(pa.float64()))
    return doubles
