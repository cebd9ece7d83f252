"""Categories as numbers: the mean score of a target column in the reference among the rows of each value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.drift.rows.values import ColumnValues
from airflow_mlmon.profiles.values.arrow import to_numpy, to_text_array
from airflow_mlmon.statistics.arrays import Floats
from airflow_mlmon.statistics.normal_scores import normal_scores

Encoding = Mapping[str, float]

_MOST_VALUES = 200
_FEWEST_ROWS_PER_VALUE = 20
# rows of the mean of all that each value is given, so that rare ones stay near it
_SHRUNK_BY = 10
# of the variation of the target, below which the values say nothing of it
_EXPLAINED = 0.01


def pin_encodings(cells: ColumnValues, names: Sequence[str], targets: Sequence[str]) -> dict[str, Encoding]:
    """Encode each category of few values by the target that it explains most; none that explains nothing."""
    scores = {name: normal_scores(cells.numbers(name)) for name in targets}
    found: dict[str, Encoding] = {}
    for name in names:
        codes, texts = cells.codes(name)
        is_known = codes >= 0
        rows = int(is_known.sum())
        if not 1 < len(texts) <= min(_MOST_VALUES, rows / _FEWEST_ROWS_PER_VALUE):
            continue
        counts = np.bincount(codes[is_known], minlength=len(texts))
        best, explained = None, _EXPLAINED
        for target in scores.values():
            means = np.bincount(codes[is_known], weights=target[is_known], minlength=len(texts)) / counts
            share = float((counts * means**2).sum()) / rows - (len(texts) - 1) / rows
            if share > explained:
                best, explained = means * counts / (counts + _SHRUNK_BY), share
        if best is not None:
            found[name] = dict(zip(texts.to_pylist(), best.round(6).tolist(), strict=True))
    return found


def encode_values(texts: pa.Array, encoding: Encoding) -> Floats:
    """Return the number of each value; NaN where it is missing or not known."""
    places = pc.index_in(texts, value_set=to_text_array(list(encoding)))
    numbers = np.array([*encoding.values(), np.nan])
    encoded: Floats = numbers[to_numpy(pc.fill_null(places, len(encoding)))]
    return encoded
