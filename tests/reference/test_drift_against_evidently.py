"""Drift scores from profiles against evidently's own functions on the same rows.

Up to 20 distinct values evidently counts each by itself, as profiles do up to ten and for
categories; there the two are equal where no bin is empty. Wasserstein has no bins.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

with warnings.catch_warnings():
    # evidently imports modules that warn of their own end.
    warnings.simplefilter("ignore")
    from evidently.legacy.calculations.stattests import (
        cramer_von_mises,
        hellinger_stat_test,
        jensenshannon_stat_test,
        kl_div_stat_test,
        psi_stat_test,
        t_test,
        wasserstein_stat_test,
        z_stat_test,
    )
    from evidently.legacy.core import ColumnType

from airflow_mlmon.drift.methods import measure_column, score
from tests.support.profiles import category_schema, profile_numbers, profile_values

STATTESTS = {
    "psi": psi_stat_test,
    "jensenshannon": jensenshannon_stat_test,
    "hellinger": hellinger_stat_test,
    "kl_div": kl_div_stat_test,
    "wasserstein": wasserstein_stat_test,
    "cramer_von_mises": cramer_von_mises,
    "t_test": t_test,
    "z": z_stat_test,
}


def ask_evidently(method, reference, current, kind):
    found, _ = STATTESTS[method].func(pd.Series(reference), pd.Series(current), kind, 0.1)
    return found


@pytest.mark.parametrize("method", ["psi", "jensenshannon", "hellinger", "kl_div"])
def test_score_of_a_category_is_evidentlys(method):
    random = np.random.default_rng(1)
    reference = random.choice(["a", "b", "c"], 5000, p=[0.6, 0.3, 0.1])
    current = random.choice(["a", "b", "c"], 900, p=[0.5, 0.3, 0.2])
    first, second = (profile_values(rows.tolist(), category_schema("a", "b", "c")) for rows in (reference, current))

    expected = ask_evidently(method, reference, current, ColumnType.Categorical)
    assert score(method, first, second) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("method", ["psi", "jensenshannon", "kl_div", "wasserstein"])
def test_score_of_a_number_of_few_values_is_evidentlys(method):
    random = np.random.default_rng(2)
    reference, current = random.binomial(4, 0.4, 5000), random.binomial(4, 0.5, 900)

    expected = ask_evidently(method, reference, current, ColumnType.Numerical)
    assert score(method, profile_numbers(reference), profile_numbers(current)) == pytest.approx(expected, rel=1e-9)


def test_wasserstein_on_the_grid_is_within_1e3_of_evidently():
    random = np.random.default_rng(3)
    reference, current = random.lognormal(size=20_000), random.lognormal(0.2, size=5000)

    expected = ask_evidently("wasserstein", reference, current, ColumnType.Numerical)
    found = score("wasserstein", profile_numbers(reference), profile_numbers(current))
    assert found == pytest.approx(expected, abs=1e-3)


def test_wasserstein_of_a_constant_reference_has_evidentlys_floor():
    expected = ask_evidently("wasserstein", [1.0, 1.0], [1.5, 1.5], ColumnType.Numerical)

    assert score("wasserstein", profile_numbers([1.0, 1.0]), profile_numbers([1.5, 1.5])) == pytest.approx(expected)


@pytest.mark.parametrize("method", ["t_test", "cramer_von_mises"])
def test_p_value_of_a_number_is_evidentlys(method):
    random = np.random.default_rng(4)
    reference, current = random.normal(size=600), random.normal(0.1, 1, 400)

    expected = ask_evidently(method, reference, current, ColumnType.Numerical)
    found = measure_column(method, profile_numbers(reference), profile_numbers(current))
    assert found.p_value == pytest.approx(expected, abs=1e-6)


def test_p_value_of_z_is_evidentlys():
    random = np.random.default_rng(5)
    reference, current = (
        random.choice(["no", "yes"], 600, p=[0.7, 0.3]),
        random.choice(["no", "yes"], 400, p=[0.65, 0.35]),
    )
    first, second = (profile_values(rows.tolist(), category_schema("no", "yes")) for rows in (reference, current))

    expected = ask_evidently("z", reference, current, ColumnType.Categorical)
    assert measure_column("z", first, second).p_value == pytest.approx(expected, rel=1e-9)
