"""A year of stored daily profiles into one baseline."""

from __future__ import annotations

import time

import numpy as np

from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.layout import Layout
from airflow_mlmon.profiles.profile import Profile, sum_profiles
from tests.benchmarks.profiles.data import make_table
from tests.benchmarks.profiles.layouts import pin_table

DAYS = 365
_ROWS = 10_000
_MONTH = 30
_REPEATS = 5


def measure() -> dict[str, float]:
    """Seconds to decode and add all the days; and, beside it, as many sums of months."""
    layout = pin_table(make_table(50_000, 20, np.random.default_rng(1)))
    days = [profile_table(make_table(_ROWS, 20, np.random.default_rng(day)), layout).to_bytes() for day in range(DAYS)]
    months = [_decoded_sum(layout, month).to_bytes() for month in _batches(days)]
    if _decoded_sum(layout, months) != _decoded_sum(layout, days):
        raise AssertionError("the sum of the months is not that of the days")
    return {"days": _median(layout, days), "months": _median(layout, months)}


def _batches(days: list[bytes]) -> list[list[bytes]]:
    return [days[start : start + _MONTH] for start in range(0, len(days), _MONTH)]


def _decoded_sum(layout: Layout, stored: list[bytes]) -> Profile:
    return sum_profiles(layout, map(Profile.from_bytes, stored))


def _median(layout: Layout, stored: list[bytes]) -> float:
    seconds = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        _decoded_sum(layout, stored)
        seconds.append(time.perf_counter() - start)
    return sorted(seconds)[_REPEATS // 2]
