from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import PchipInterpolator

from airflow_mlmon.profiles.columns.cumulated import _monotone_cubic, estimate_counts
from tests.support.profiles import numeric_schema, profile_numbers

RANDOM = np.random.default_rng(8)
ATOM = np.where(RANDOM.random(50_000) < 0.3, 0.0, RANDOM.normal(3, 2, 50_000))


def test_curve_is_scipys_between_its_ends():
    places, heights = np.arange(9.0) ** 1.5, np.cumsum([0, 3, 1, 0, 5, 2, 2, 9, 1.0])
    at = np.linspace(places[1], places[-2], 50)

    assert _monotone_cubic(places, heights, at) == pytest.approx(PchipInterpolator(places, heights)(at))


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(RANDOM.normal(100, 1, 50_000), id="coarse-cells"),
        pytest.param(RANDOM.lognormal(0, 2, 50_000), id="skewed"),
        pytest.param(ATOM, id="atom"),
        pytest.param(RANDOM.integers(0, 50, 9000), id="few-values"),
    ],
)
def test_counts_between_edges_are_near_those_of_the_values(values):
    edges = np.histogram_bin_edges(values, "sturges")
    found = estimate_counts(profile_numbers(values, numeric_schema(quantum=2.0**-20, atoms=(0.0,))), edges)

    assert found.sum() == len(values)
    assert found == pytest.approx(np.histogram(values, edges)[0], abs=3e-3 * len(values))


def test_nothing_lies_between_edges_of_an_empty_profile():
    assert estimate_counts(profile_numbers([]), np.array([0.0, 1.0, 2.0])).tolist() == [0, 0]
