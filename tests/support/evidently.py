"""Frames for the tests of the evidently report."""

from __future__ import annotations

import numpy as np
import pandas as pd

from airflow_mlmon.loading import parse_spec
from airflow_mlmon.spec.model import ModelSpec

SPEC = """
model: flights
start: 2013-03-01
reference: {path: "file:///reference"}
predictions:
  path: "file:///archive/{date}"
  columns:
    id: {type: string, role: id}
    at: {type: timestamp, role: time}
    wind: {type: float}
    temp: {type: float}
    seats: {type: integer}
    origin: {type: category}
    tail: {type: string}
    landed: {type: timestamp}
    mail: {type: string, personal: hash}
    late: {type: boolean, role: prediction}
"""


def flights_spec() -> ModelSpec:
    return parse_spec(SPEC, "flights.yaml")


def flights_frame(rows: int, seed: int = 0, **changed) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    columns = {
        "id": [f"{seed}-{row}" for row in range(rows)],
        "at": pd.Timestamp("2013-03-08", tz="UTC"),
        "wind": random.gamma(2, 5, rows),
        "temp": random.normal(10, 5, rows),
        "seats": random.integers(10, 400, rows),
        "origin": random.choice(["EWR", "JFK", "LGA"], rows),
        "tail": [f"N{seed}{row}" for row in range(rows)],
        "landed": pd.Timestamp("2013-03-08", tz="UTC"),
        "mail": "alice@example.org",
        "late": random.random(rows) < 0.2,
    }
    return pd.DataFrame(columns | changed)
