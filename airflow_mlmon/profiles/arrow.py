"""Arrow from and to numpy without `pyarrow.array` and `to_numpy`, which import pandas where it is installed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa


def text_array(values: Sequence[str]) -> pa.Array:
    """The texts as an Arrow array.

    >>> text_array(["a", "", "Zürich"]).to_pylist()
    ['a', '', 'Zürich']
    """
    encoded = [value.encode() for value in values]
    offsets = np.zeros(len(encoded) + 1, dtype=np.int32)
    np.cumsum([len(value) for value in encoded], out=offsets[1:])
    return pa.StringArray.from_buffers(len(encoded), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded)))


def to_numpy(values: pa.Array | pa.ChunkedArray) -> npt.NDArray[Any]:
    """The numbers or booleans of an array without nulls, without a copy where they lie in one chunk.

    >>> to_numpy(pa.chunked_array([[1, 2], [3]])).tolist()
    [1, 2, 3]
    """
    if pa.types.is_boolean(values.type):
        return to_numpy(values.cast(pa.uint8())).astype(np.bool_)
    if isinstance(values, pa.ChunkedArray):
        parts = [np.from_dlpack(chunk) for chunk in values.chunks if len(chunk)]
        if not parts:
            return np.zeros(0, dtype=values.type.to_pandas_dtype())
        return parts[0] if len(parts) == 1 else np.concatenate(parts)
    return np.from_dlpack(values) if len(values) else np.zeros(0, dtype=values.type.to_pandas_dtype())
