from __future__ import annotations

import numpy as np
import pytest

from airflow_mlmon.profiles.columns.grid import LAST_CELL, to_cells, to_midpoints

EDGES = np.array([0.0, 2.0**-126, 1.0, 1 + 2.0**-7, 2.0**127, 1.0 - 2.0**-53, 3.999999999])
VALUES = np.concatenate((EDGES, -EDGES, np.random.default_rng(5).standard_t(1, 20_000)))


def from_float32(deviations):
    """The other definition: the upper half of float32, less one where rounding carried it up."""
    single = deviations.astype(np.float32)
    bits = single.view(np.uint32)
    carried = ((bits & 0xFFFF) == 0) & (np.abs(single.astype(np.float64)) > np.abs(deviations))
    magnitude = ((bits >> 16) & 0x7FFF).astype(np.int64) - carried
    return np.where(np.signbit(deviations), -magnitude, magnitude)


def test_cell_is_the_truncated_upper_half_of_float32():
    assert np.array_equal(to_cells(VALUES), from_float32(VALUES))


def test_cells_are_ordered_as_the_values_are():
    assert np.all(np.diff(to_cells(np.sort(VALUES))) >= 0)


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        pytest.param(-0.0, 0, id="minus-zero"),
        pytest.param(2.0**-127, 0, id="below-the-normal-range"),
        pytest.param(5e-324, 0, id="smallest-double"),
        pytest.param(2.0**128, LAST_CELL, id="above-the-normal-range"),
        pytest.param(-1.7e308, -LAST_CELL, id="largest-double"),
    ],
)
def test_cell_is_clamped_to_the_normal_range(value, cell):
    assert to_cells(np.array([value])).tolist() == [cell]


def test_midpoint_lies_in_its_cell():
    cells = np.arange(-LAST_CELL, LAST_CELL + 1)
    cells = cells[(np.abs(cells) >= 128) | (cells == 0)]

    assert np.array_equal(to_cells(to_midpoints(cells)), cells)
