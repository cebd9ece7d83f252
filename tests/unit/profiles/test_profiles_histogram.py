from __future__ import annotations

import numpy as np
import pytest

from airflow_mlmon.errors import ProfileSchemaMismatchError
from airflow_mlmon.profiles.columns.histogram import OTHER, UNSEEN, Histogram, build_histogram
from tests.support.profiles import category_schema, profile_numbers, profile_values


def test_few_numbers_have_a_bar_each():
    bars = build_histogram(profile_numbers([1.0, 1.0, 2.0]), profile_numbers([2.0, 7.5]))

    assert bars == Histogram(labels=("1", "2", "7.5"), edges=(), reference=(2 / 3, 1 / 3, 0.0), current=(0.0, 0.5, 0.5))


def test_many_numbers_have_bars_of_equal_width_with_open_ends():
    reference = profile_numbers(np.arange(1, 101))
    bars = build_histogram(reference, profile_numbers([-50, 1000]), bins=7)

    assert (len(bars.labels), bars.edges[0], bars.edges[-1]) == (7, 1.0, 99.0)
    assert bars.labels[:2] + bars.labels[-1:] == ("< 15", "15 to 29", "≥ 85")
    assert (bars.current[0], bars.current[-1]) == (0.5, 0.5)
    assert sum(bars.reference) == pytest.approx(1)


def test_numbers_on_the_grid_have_bars_too():
    random = np.random.default_rng(1)
    bars = build_histogram(profile_numbers(random.normal(size=5000)), profile_numbers(random.normal(1, 1, 5000)))

    assert len(bars.labels) == 20
    assert np.argmax(bars.reference) < np.argmax(bars.current)


@pytest.mark.parametrize("share", [0.995, 1.0])
def test_number_that_rules_the_reference_keeps_finite_edges(share):
    reference = np.where(np.arange(1000) < 1000 * share, 3.0, 4.0)
    bars = build_histogram(profile_numbers(reference), profile_numbers(np.arange(100)))

    assert sum(bars.reference) == pytest.approx(1)
    assert sorted(bars.edges) == list(bars.edges)


def test_side_without_values_has_empty_bars():
    bars = build_histogram(profile_numbers([]), profile_numbers(np.arange(50)))

    assert set(bars.reference) == {0.0}
    assert sum(bars.current) == pytest.approx(1)


def test_categories_show_the_ten_largest_shares_of_either_side():
    schema = category_schema(*(f"v{number:02}" for number in range(15)))
    reference = profile_values([f"v{number:02}" for number in range(15) for _ in range(20 - number)], schema)
    current = profile_values(["v14"] * 9 + ["new"], schema)
    bars = build_histogram(reference, current)

    assert bars.labels == ("v14", *(f"v{number:02}" for number in range(9)), OTHER, UNSEEN)
    assert bars.current == (0.9, *(0.0,) * 10, 0.1)


def test_histogram_of_two_kinds_is_refused():
    with pytest.raises(ProfileSchemaMismatchError, match="of kind numeric in one profile"):
        build_histogram(profile_numbers([1.0]), profile_values(["a"], category_schema("a")))
