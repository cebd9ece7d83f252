from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from airflow_mlmon.evaluation.evidence import bins_for, column_base
from tests.support.profiles import category_schema, numeric_schema, profile_numbers, profile_values


def evidence(base, day, *, is_part: bool = False):
    prepared = column_base(base, bins_for(day.observed, base.observed))
    assert prepared is not None
    return prepared.compare(day, is_part=is_part)


@pytest.mark.parametrize("rows", [200, 5_000])
def test_place_is_the_chance_to_be_larger(rows):
    random = np.random.default_rng(1)
    base, day = random.normal(size=4_000), random.normal(0.3, 1, rows)
    found = evidence(profile_numbers(base), profile_numbers(day))

    expected = stats.mannwhitneyu(day, base).statistic / (len(base) * rows)
    assert found.place == pytest.approx(expected, abs=2e-4)
    assert found.scale == pytest.approx(1 / np.sqrt(12), abs=1e-3)


def test_statistic_is_that_of_the_contingency_table():
    schema = category_schema("a", "b", "c")
    base, day = ["a"] * 500 + ["b"] * 300 + ["c"] * 200, ["a"] * 30 + ["b"] * 50 + ["c"] * 20
    found = evidence(profile_values(base, schema), profile_values(day, schema))

    expected = stats.chi2_contingency([[500, 300, 200], [30, 50, 20]], correction=False)
    assert found.statistic == pytest.approx(expected.statistic)
    assert found.freedom == expected.dof


@pytest.mark.parametrize("rows", [300, 3_000])
def test_a_day_of_the_baseline_is_compared_with_its_rest(rows):
    random = np.random.default_rng(2)
    schema = numeric_schema(quantum=2.0**-30)
    others, day = random.normal(size=6_000), random.normal(0.5, 1, rows)
    whole = profile_numbers(np.concatenate((others, day)), schema)
    found = evidence(whole, profile_numbers(day, schema), is_part=True)
    alone = evidence(profile_numbers(others, schema), profile_numbers(day, schema))

    assert found.base_rows == 6_000
    assert found.place == pytest.approx(alone.place, abs=1e-3)
    assert found.freedom == alone.freedom
    # the bins are those of the whole, hence nearly the same statistic
    assert found.statistic == pytest.approx(alone.statistic, rel=0.1)


def test_a_column_of_one_value_says_nothing():
    schema = numeric_schema(quantum=2.0**-30)
    found = evidence(profile_numbers([3.0] * 100, schema), profile_numbers([3.0] * 100, schema))

    assert (found.statistic, found.freedom, found.scale) == (0.0, 0, 0.0)


def test_there_is_no_evidence_without_values():
    schema = numeric_schema(quantum=2.0**-30)

    assert evidence(profile_numbers([1.0, 2.0], schema), profile_numbers([np.nan], schema)) is None
