"""Drift of a column that follows from another's."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from airflow_mlmon.evaluation.association import explained_drifts
from tests.support.profiles import category_schema, numeric_schema, profile_numbers, profile_values

CHANNELS = category_schema("web", "shop", name="channel")


def rows(web: float, count: int = 4_000, *, is_tied: bool = True) -> pa.Table:
    """The amount is larger on the web; the noise follows nothing."""
    random = np.random.default_rng(3)
    is_web = random.random(count) < web
    amount = random.normal(size=count) + 2 * (is_web if is_tied else 0)
    return pa.table({"channel": np.where(is_web, "web", "shop"), "amount": amount, "noise": random.normal(size=count)})


def profiles(table: pa.Table, shift: float = 0.0):
    schema = numeric_schema(quantum=2.0**-30)
    return {
        "channel": profile_values(table.column("channel").to_pylist(), CHANNELS),
        "amount": profile_numbers(table.column("amount").to_numpy() + shift, schema),
        "noise": profile_numbers(table.column("noise").to_numpy() + shift, schema),
    }


def test_column_follows_from_the_one_that_it_depends_on():
    found = explained_drifts(rows(0.5), ["channel", "amount", "noise"], profiles(rows(0.9)), profiles(rows(0.5)))

    assert ("channel", "amount") in found
    assert not any("noise" in pair for pair in found)


def test_column_that_moved_by_itself_does_not():
    now, before = profiles(rows(0.5), shift=1.0), profiles(rows(0.5))

    assert explained_drifts(rows(0.5), ["amount", "noise"], now, before) == frozenset()
