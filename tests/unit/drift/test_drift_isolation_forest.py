"""Outlying rows beside a reference: how many there are where nothing has changed, and of rows never seen."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.drift.isolation_forest import fit_outliers
from airflow_mlmon.profiles.schema import ColumnSchema, Kind

COLUMNS = (
    ColumnSchema(name="amount", kind=Kind.NUMERIC),
    ColumnSchema(name="term", kind=Kind.NUMERIC),
    ColumnSchema(name="channel", kind=Kind.CATEGORY),
)


def rows(seed: int, count: int = 2_000, *, far: int = 0) -> pa.Table:
    """Rows of a kind, of which the first so many are far from all others."""
    random = np.random.default_rng(seed)
    amount, term = random.normal(50, 10, count), random.choice([12, 24, 36], count)
    channel = random.choice(["web", "shop", "phone"], count, p=[0.6, 0.3, 0.1]).astype(object)
    amount[:far], term[:far], channel[:far] = 500, 240, "fax"
    return pa.table({"amount": amount, "term": term, "channel": pa.array(channel, pa.string())})


def test_about_the_given_share_is_outlying_where_nothing_has_changed():
    outliers = fit_outliers(rows(1, 5_000), COLUMNS, 0.02)

    found = [outliers.measure(rows(seed)) for seed in range(2, 7)]

    assert 0.01 < np.mean([value.value for value in found]) < 0.035
    assert {(value.rows, value.low < value.value < value.high) for value in found} == {(2_000, True)}


def test_rows_never_seen_are_outlying():
    outliers = fit_outliers(rows(1, 5_000), COLUMNS, 0.01)

    assert outliers.measure(rows(2, far=300)).value == pytest.approx(0.15, abs=0.02)


def test_the_rate_is_the_same_at_every_run():
    first, second = (fit_outliers(rows(1), COLUMNS, 0.05).measure(rows(2)) for _ in range(2))

    assert first == second


def test_values_that_are_no_numbers_are_taken_as_the_median():
    odd = pa.table(
        {
            "amount": [np.nan, np.inf, None, 1e300] * 20,
            "term": pa.array([None] * 80, pa.int64()),
            "channel": pa.array([None, "web"] * 40, pa.string()),
        }
    )

    assert fit_outliers(rows(1), COLUMNS[:1], 0.01).measure(odd).value == 0.25
    assert fit_outliers(rows(1), COLUMNS, 0.01).measure(odd.select(["channel"])).value == 0


@pytest.mark.parametrize(
    ("reference", "now", "reason"),
    [
        pytest.param(rows(1, 49), rows(2), "the reference has 49 rows, fewer than 50", id="small reference"),
        pytest.param(rows(1), rows(2, 49), "the partition has 49 rows, fewer than 50", id="small day"),
        pytest.param(
            pa.table({"amount": [None] * 60, "term": [12] * 60}),
            rows(2),
            "no feature of the reference varies (amount: no values; term: the same value in all rows; "
            "channel: no values)",
            id="nothing varies",
        ),
    ],
)
def test_without_enough_to_go_by_there_is_a_reason(reference, now, reason):
    found = fit_outliers(reference, COLUMNS, 0.01).measure(now)

    assert (found.value, found.reason) == (None, reason)
