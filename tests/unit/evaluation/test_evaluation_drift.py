from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from airflow_mlmon.evaluation.evidence import bins_for, column_base
from tests.support.profiles import category_layout, numeric_layout, profile_numbers, profile_values


def evidence(base, night, *, is_part: bool = False):
    prepared = column_base(base, bins_for(night.observed, base.observed))
    assert prepared is not None
    return prepared.compare(night, is_part=is_part)


@pytest.mark.parametrize("rows", [200, 5_000])
def test_place_is_the_chance_to_be_larger(rows):
    random = np.random.default_rng(1)
    base, night = random.normal(size=4_000), random.normal(0.3, 1, rows)
    found = evidence(profile_numbers(base), profile_numbers(night))

    expected = stats.mannwhitneyu(night, base).statistic / (len(base) * rows)
    assert found.place == pytest.approx(expected, abs=2e-4)
    assert found.scale == pytest.approx(1 / np.sqrt(12), abs=1e-3)


def test_statistic_is_that_of_the_contingency_table():
    layout = category_layout("a", "b", "c")
    base, night = ["a"] * 500 + ["b"] * 300 + ["c"] * 200, ["a"] * 30 + ["b"] * 50 + ["c"] * 20
    found = evidence(profile_values(base, layout), profile_values(night, layout))

    expected = stats.chi2_contingency([[500, 300, 200], [30, 50, 20]], correction=False)
    assert found.statistic == pytest.approx(expected.statistic)
    assert found.freedom == expected.dof


@pytest.mark.parametrize("rows", [300, 3_000])
def test_a_night_of_the_baseline_is_compared_with_its_rest(rows):
    random = np.random.default_rng(2)
    layout = numeric_layout(quantum=2.0**-30)
    others, night = random.normal(size=6_000), random.normal(0.5, 1, rows)
    whole = profile_numbers(np.concatenate((others, night)), layout)
    found = evidence(whole, profile_numbers(night, layout), is_part=True)
    alone = evidence(profile_numbers(others, layout), profile_numbers(night, layout))

    assert found.base_rows == 6_000
    assert found.place == pytest.approx(alone.place, abs=1e-3)
    assert found.freedom == alone.freedom
    # the bins are those of the whole, hence nearly the same statistic
    assert found.statistic == pytest.approx(alone.statistic, rel=0.1)


def test_a_column_of_one_value_says_nothing():
    layout = numeric_layout(quantum=2.0**-30)
    found = evidence(profile_numbers([3.0] * 100, layout), profile_numbers([3.0] * 100, layout))

    assert (found.statistic, found.freedom, found.scale) == (0.0, 0, 0.0)


def test_there_is_no_evidence_without_values():
    layout = numeric_layout(quantum=2.0**-30)

    assert evidence(profile_numbers([1.0, 2.0], layout), profile_numbers([np.nan], layout)) is None
