"""Slices drawn at random: rows with labels, and what the profiles of their slices say."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import pyarrow as pa

from airflow_mlmon.comparison.slice import Slice
from airflow_mlmon.comparison.slices import Candidate, SliceRows, evaluate_slices
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.engine.pinning import pin_columns
from airflow_mlmon.profiles.schema import ProfileSchema
from airflow_mlmon.spec.choices import ColumnType
from airflow_mlmon.tasks.binary.description import Binary
from airflow_mlmon.tasks.binary.outcome import BinaryOutcomes, profile_outcomes

NUMBERS, CATEGORIES = 6, 4
TYPES = {f"number{n}": ColumnType.FLOAT for n in range(NUMBERS)} | {
    f"category{n}": ColumnType.CATEGORY for n in range(CATEGORIES)
}


def slice_table(rows: int, random: np.random.Generator) -> pa.Table:
    """Ten columns of one distribution: normal, lognormal and rounded numbers, categories of 2 to 12 levels."""
    columns = {}
    for n in range(NUMBERS):
        values = random.normal(0, 1, rows)
        columns[f"number{n}"] = (values, np.exp(values), np.round(values))[n % 3]
    for n in range(CATEGORIES):
        columns[f"category{n}"] = random.choice(list("abcdefghijkl")[: (2, 3, 8, 12)[n]], rows)
    masked = random.random(rows) < 0.02
    return pa.table({name: pa.array(values, mask=masked) for name, values in columns.items()})


def labelled_rows(rows: int, accuracy: float, random: np.random.Generator) -> BinaryOutcomes:
    """Predictions of which so many are right, with scores that rank likewise."""
    label = random.random(rows) < 0.4
    prediction = np.where(random.random(rows) < accuracy, label, ~label)
    score = np.where(prediction, random.beta(4, 2, rows), random.beta(2, 4, rows))
    excluded = np.zeros(rows, dtype=bool)
    return profile_outcomes(pa.table({"score": score, "prediction": prediction, "label": label, "excluded": excluded}))


@lru_cache(maxsize=1)
def slice_schema() -> ProfileSchema:
    """What is pinned of the columns."""
    return pin_columns("m", TYPES, slice_table(5_000, np.random.default_rng(0)))


def evaluated(
    seed: int,
    *,
    slices: int = 20,
    rows: int = 500,
    reference_rows: int = 500,
    accuracy: Mapping[int, float] | None = None,
    expected: float = 0.85,
    metric: str = "accuracy",
) -> tuple[Slice, ...]:
    """The ranked slices of a seed; `accuracy` is of those slices that are not like the others."""
    random, schema = np.random.default_rng(seed), slice_schema()
    candidates = []
    for number in range(slices):
        right = (accuracy or {}).get(number, expected)
        current, reference = (
            SliceRows(
                profile=profile_table(slice_table(size, random), schema), labelled=labelled_rows(size, of, random)
            )
            for size, of in ((rows, right), (reference_rows, expected))
        )
        name = f"by={number}"
        candidates.append(
            Candidate(name=name, columns=("by",), value=str(number), rows=rows, current=current, reference=reference)
        )
    whole = Binary().sum_outcomes(own.current.labelled for own in candidates if own.current and own.current.labelled)
    return evaluate_slices(candidates, rows=whole.rows, labelled=whole, task=Binary(), metric=metric, method="psi")
