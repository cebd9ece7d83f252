"""What the drift of a column alone would do to the mean score."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.evaluation.consequence import output_shifts
from tests.support.profiles import category_schema, numeric_schema, profile_numbers, profile_values

CHANNELS = category_schema("web", "shop", name="channel")


def sample(rows: int = 5_000) -> pa.Table:
    """Rows whose score follows the amount, and the channel a little; nothing follows the noise."""
    random = np.random.default_rng(1)
    amount, noise = random.uniform(size=rows), random.uniform(size=rows)
    is_web = random.random(rows) < 0.5
    score = 0.6 * amount + 0.1 * is_web
    channel = np.where(is_web, "web", "shop")
    return pa.table({"amount": amount, "noise": noise, "channel": channel, "score": score})


def numbers(values):
    return profile_numbers(values, numeric_schema(quantum=2.0**-30))


def test_shift_is_that_of_the_mean_score_in_the_bins():
    random = np.random.default_rng(2)
    base, high = random.uniform(size=4_000), random.uniform(0.5, 1, size=4_000)
    shifts = output_shifts(
        sample(),
        "score",
        now={
            "amount": numbers(high),
            "noise": numbers(high),
            "channel": profile_values(["web"] * 90 + ["shop"] * 10, CHANNELS),
        },
        baseline={
            "amount": numbers(base),
            "noise": numbers(base),
            "channel": profile_values(["web"] * 50 + ["shop"] * 50, CHANNELS),
        },
    )

    assert shifts["amount"] == pytest.approx(0.6 * 0.25, abs=0.01)
    assert shifts["noise"] == pytest.approx(0, abs=0.01)
    assert shifts["channel"] == pytest.approx(0.4 * 0.1, abs=0.01)


def test_column_that_has_not_moved_moves_nothing():
    amount = numbers(np.linspace(0, 1, 500))

    assert output_shifts(sample(), "score", {"amount": amount}, {"amount": amount}) == {"amount": 0.0}


@pytest.mark.parametrize(
    ("now", "baseline"),
    [
        pytest.param({"other": numbers([0.5])}, {"other": numbers([0.5])}, id="not-in-the-sample"),
        pytest.param({"amount": numbers([0.5])}, {}, id="no-baseline"),
        pytest.param({"amount": numbers([np.nan])}, {"amount": numbers([0.5])}, id="no-value-now"),
        pytest.param({"amount": numbers([0.5])}, {"amount": numbers([np.nan])}, id="no-value-before"),
    ],
)
def test_what_is_not_known_is_left_out(now, baseline):
    assert output_shifts(sample(), "score", now, baseline) == {}


def test_few_rows_of_the_reference_say_nothing():
    amount = {"amount": numbers([0.9] * 50)}

    assert output_shifts(sample(99), "score", amount, {"amount": numbers([0.1] * 50)}) == {}


def test_value_that_the_reference_does_not_have_moves_nothing():
    """Its mean score is taken to be that of all."""
    before = profile_values(["web"] * 50 + ["shop"] * 50, CHANNELS)
    shifts = output_shifts(sample(), "score", {"channel": profile_values(["fax"] * 100, CHANNELS)}, {"channel": before})

    assert shifts["channel"] == pytest.approx(0, abs=0.01)
