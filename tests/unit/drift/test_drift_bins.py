from __future__ import annotations

import numpy as np
import pytest

from airflow_mlmon.drift.bins import Sides
from airflow_mlmon.errors import ProfileSchemaMismatchError
from tests.support.profiles import category_schema, profile_numbers, profile_values


def bins(reference, current):
    first, second = Sides(profile_numbers(reference), profile_numbers(current)).binned
    return first.tolist(), second.tolist()


def test_reference_sets_ten_bins_of_equal_mass():
    assert bins(np.arange(100), [0.0, 9.5, 10.0, 95.0]) == ([10] * 10, [1, 2, 0, 0, 0, 0, 0, 0, 0, 1])


def test_value_outside_the_reference_falls_into_the_outer_bins():
    assert bins(np.arange(100), [-1e9, 1e9]) == ([10] * 10, [1, *[0] * 8, 1])


@pytest.mark.parametrize("frequent", [-1.0, 49.5, 100.0], ids=["smallest", "middle", "largest"])
def test_value_that_holds_half_the_rows_has_a_bin_of_its_own(frequent):
    reference = np.concatenate((np.arange(100), np.full(100, frequent)))

    first, second = bins(reference, [frequent])
    assert first[second.index(1)] == 100
    assert sum(first) == 200


def test_reference_of_few_values_has_a_bin_for_each_and_one_for_others():
    assert bins([1.0, 2.0, 2.0], [0.0, 1.0, 1.5, 3.0]) == ([1, 2, 0], [1, 0, 3])


def test_constant_reference_sees_a_move_to_either_side():
    assert bins([5.0] * 4, [4.0, 6.0]) == ([4, 0], [0, 2])


def test_bins_on_the_grid_have_about_equal_mass():
    values = np.random.default_rng(1).normal(size=20_000)

    first, second = bins(values, values)
    assert first == second
    assert np.allclose(np.array(first) / 20_000, 0.1, atol=0.005)


def test_category_has_a_bin_per_value_and_one_for_all_unseen():
    schema = category_schema("a", "b", "never")
    first, second = Sides(profile_values(["a", "b", "b"], schema), profile_values(["a", "x", "y"], schema)).binned

    assert (first.tolist(), second.tolist()) == ([1, 2, 0], [1, 0, 2])


def test_bins_of_two_kinds_are_refused():
    sides = Sides(profile_numbers([1.0]), profile_values(["a"], category_schema("a")))

    with pytest.raises(ProfileSchemaMismatchError, match="numeric on one side"):
        _ = sides.binned
