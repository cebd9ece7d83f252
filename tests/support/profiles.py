"""Specs and tables for the tests of profiles, drift and performance."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.schema import ColumnSchema, Kind, ProfileSchema, SegmentSchema
from airflow_mlmon.spec.model import ModelSpec


def make_spec(**columns: dict[str, Any]) -> ModelSpec:
    """A spec with an identifier, a time and the given columns."""
    declared = {"id": {"type": "string", "role": "id"}, "at": {"type": "timestamp", "role": "time"}, **columns}
    return ModelSpec.model_validate(
        {
            "model": "loans",
            "start": date(2024, 1, 1),
            "predictions": {"path": "predictions/{date}", "columns": declared},
            "reference": {"path": "reference"},
        }
    )


def make_schema(*columns: ColumnSchema, segments: tuple[SegmentSchema, ...] = ()) -> ProfileSchema:
    """A profile schema of the given columns and segments."""
    return ProfileSchema(model="loans", columns=columns, segments=segments)


def numeric_schema(name: str = "x", **pinned: Any) -> ColumnSchema:
    """What is pinned of a numeric column."""
    return ColumnSchema(name=name, kind=Kind.NUMERIC, **pinned)


def category_schema(*vocabulary: str, name: str = "c") -> ColumnSchema:
    """What is pinned of a category."""
    return ColumnSchema(name=name, kind=Kind.CATEGORY, vocabulary=vocabulary)


def profile_values(values: Any, schema: ColumnSchema) -> Any:
    """The profile of one column of values."""
    array = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values)
    return profile_table(pa.table({schema.name: array}), make_schema(schema)).columns[schema.name]


def profile_numbers(values: Any, schema: ColumnSchema | None = None) -> NumericProfile:
    """The profile of one numeric column around 0 with a fine quantum."""
    profile: NumericProfile = profile_values(values, schema or numeric_schema(quantum=2.0**-30))
    return profile


def loan_spec() -> ModelSpec:
    """A spec with a column of each kind."""
    return make_spec(
        amount={"type": "float"},
        term={"type": "integer"},
        purpose={"type": "category"},
        repeat={"type": "boolean"},
        applied={"type": "timestamp"},
        score={"type": "float", "role": "score"},
        approved={"type": "boolean", "role": "prediction"},
        release={"type": "string", "role": "version"},
    )


def loan_table(rows: int, seed: int, shift: float = 0.0) -> pa.Table:
    """Rows for `loan_spec`, with some nulls."""
    random = np.random.default_rng(seed)
    score = random.beta(2, 3, rows)
    return pa.table(
        {
            "amount": pa.array(random.lognormal(8, 1, rows) + shift, mask=random.random(rows) < 0.05),
            "term": pa.array(random.integers(6, 60, rows)),
            "purpose": pa.array(np.array(["car", "house", "other", "trip"])[random.integers(0, 4, rows)]),
            "repeat": pa.array(random.random(rows) < 0.3),
            "applied": pa.array(random.integers(0, 10**9, rows) * 1000, pa.timestamp("ms")),
            "score": pa.array(score),
            "approved": pa.array(score >= 0.5),
            "release": pa.array(["v1"] * rows),
        }
    )
