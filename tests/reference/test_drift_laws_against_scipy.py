"""The laws of the expected tests against scipy.special."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import chdtrc, kolmogorov, ndtr

from airflow_mlmon.statistics.laws import chisquare_survival, kolmogorov_survival, normal_survival

SMALLEST = 1e-300


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 9, 10, 99, 100, 1000, 1001])
def test_chisquare_survival_is_scipys_to_eleven_digits(freedom):
    for x in [0.0, *np.logspace(-6, 6, 200).tolist(), *(freedom * np.linspace(0.5, 2, 50)).tolist()]:
        expected = float(chdtrc(freedom, x))
        assert chisquare_survival(freedom, x) == pytest.approx(expected, rel=1e-11, abs=SMALLEST)


def test_kolmogorov_survival_is_scipys_to_twelve_digits():
    for x in [0.0, 1e-300, 1e300, *np.logspace(-3, 3, 500).tolist(), *np.linspace(0.8, 0.85, 50).tolist()]:
        assert kolmogorov_survival(x) == pytest.approx(float(kolmogorov(x)), rel=1e-12, abs=SMALLEST)


def test_normal_survival_is_scipys_to_twelve_digits():
    for z in np.linspace(-36, 36, 500).tolist():
        assert normal_survival(z) == pytest.approx(2 * float(ndtr(-abs(z))), rel=1e-12, abs=SMALLEST)
