"""Evidently's drift methods on samples, for methods that profiles cannot compute."""

from __future__ import annotations

import math
import threading
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from airflow_mlmon.drift.sampled import SampledScore
from airflow_mlmon.profiles.schema import Kind
from airflow_mlmon.spec.choices import MINIMUM_ROWS
from airflow_mlmon.spec.methods import Method

with warnings.catch_warnings():
    # its import uses deprecated names of its dependencies
    warnings.simplefilter("ignore")
    from evidently import DataDefinition, Dataset, Report
    from evidently.metrics import ValueDrift

_GUARD = threading.Lock()
# its permutations take time quadratic in the rows: 4 s at 1,000
_MMD_ROWS = 500
_COLUMN = "value"


def score_samples(
    reference: pa.Table, current: pa.Table, methods: Mapping[str, tuple[Method, Kind]]
) -> dict[str, SampledScore]:
    """Compute each column's method on samples of both sides.

    Missing and infinite values are left out. If Evidently cannot compute a method, the score has no value, and
    its reason is only the class of the error, because its message may contain values.
    """
    return {
        name: _score(_series(reference, name, kind), _series(current, name, kind), method, kind)
        for name, (method, kind) in methods.items()
    }


def _score(reference: pd.Series, current: pd.Series, method: Method, kind: Kind) -> SampledScore:
    reference, current = _cut(reference, current, method)
    empty = SampledScore(method=method, value=None, rows_reference=len(reference), rows_current=len(current))
    if min(len(reference), len(current)) < MINIMUM_ROWS:
        return replace(empty, problem=f"fewer than {MINIMUM_ROWS} values")
    try:
        found = _ask(reference, current, method, kind)
    except Exception as error:  # noqa: BLE001 - evidently passes on any error of its libraries
        return replace(empty, problem=type(error).__name__)
    value, threshold = float(found["value"]), float(found["config"]["threshold"])
    return replace(empty, value=value if math.isfinite(value) else None, threshold=threshold)


def _ask(reference: pd.Series, current: pd.Series, method: Method, kind: Kind) -> Mapping[str, Any]:
    numbers = [_COLUMN] if kind is Kind.NUMERIC else []
    texts = [_COLUMN] if method.is_of_text else []
    categories = [] if numbers or texts else [_COLUMN]
    definition = DataDefinition(numerical_columns=numbers, categorical_columns=categories, text_columns=texts)
    sides = [
        Dataset.from_pandas(pd.DataFrame({_COLUMN: side}), data_definition=definition) for side in (current, reference)
    ]
    # guarded, because warnings and numpy's seed are state of the process
    with _GUARD, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        state = np.random.get_state()  # noqa: NPY002 - evidently uses it
        try:
            np.random.seed(0)  # noqa: NPY002 - the same rows give the same score
            snapshot = Report([ValueDrift(column=_COLUMN, method=method.value)]).run(*sides)
        finally:
            np.random.set_state(state)  # noqa: NPY002
    answer: Mapping[str, Any] = snapshot.dict()["metrics"][0]
    return answer


def _cut(reference: pd.Series, current: pd.Series, method: Method) -> tuple[pd.Series, pd.Series]:
    """Cut the samples to the rows that the method can process; fisher_exact needs both sides of one length."""
    most = _MMD_ROWS if method is Method.EMPIRICAL_MMD else max(len(reference), len(current))
    if method is Method.FISHER_EXACT:
        most = min(len(reference), len(current))
    return reference.iloc[:most], current.iloc[:most]


def _series(table: pa.Table, name: str, kind: Kind) -> pd.Series:
    if name not in table.column_names:
        return pd.Series([], dtype="float64" if kind is Kind.NUMERIC else "object")
    column = table.column(name)
    if kind is Kind.NUMERIC:
        numbers = column.cast(pa.float64(), safe=False).to_pandas()
        return numbers[np.isfinite(numbers)].reset_index(drop=True)
    return column.cast(pa.string()).drop_null().to_pandas().astype("object")
