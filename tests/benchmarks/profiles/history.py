"""A year of stored daily profiles into one baseline."""

from __future__ import annotations

import time

import numpy as np

from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.profile import Profile, sum_profiles
from airflow_mlmon.profiles.schema import ProfileSchema
from tests.benchmarks.profiles.data import make_table
from tests.benchmarks.profiles.schemas import pin_table

DAYS = 365
_ROWS = 10_000
_MONTH = 30
_REPEATS = 5


def measure() -> dict[str, float]:
    """Seconds to decode and add all the days; and, beside it, as many sums of months."""
    schema = pin_table(make_table(50_000, 20, np.random.default_rng(1)))
    days = [profile_table(make_table(_ROWS, 20, np.random.default_rng(day)), schema).to_bytes() for day in range(DAYS)]
    months = [_decoded_sum(schema, month).to_bytes() for month in _batches(days)]
    if _decoded_sum(schema, months) != _decoded_sum(schema, days):
        raise AssertionError("the sum of the months is not that of the days")
    return {"days": _median(schema, days), "months": _median(schema, months)}


def _batches(days: list[bytes]) -> list[list[bytes]]:
    return [days[start : start + _MONTH] for start in range(0, len(days), _MONTH)]


def _decoded_sum(schema: ProfileSchema, stored: list[bytes]) -> Profile:
    return sum_profiles(schema, map(Profile.from_bytes, stored))


def _median(schema: ProfileSchema, stored: list[bytes]) -> float:
    seconds = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        _decoded_sum(schema, stored)
        seconds.append(time.perf_counter() - start)
    return sorted(seconds)[_REPEATS // 2]
