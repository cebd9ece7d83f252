"""Slices are evaluated so that nothing is found where nothing is, and what is there is found first."""

from __future__ import annotations

import numpy as np
import pytest

from airflow_mlmon.comparison.slice import Slice, SliceColumn, SliceState
from airflow_mlmon.tasks.contrast import Contrast
from tests.support.slices import evaluated


def has_finding(seed: int) -> bool:
    return any(found.beyond_chance or found.state <= SliceState.OTHER for found in evaluated(seed))


def test_alike_slices_have_no_finding():
    """20 slices of 10 columns: in 200 seeds 3.5 % had a finding; here at most 5 of 40 may (1 in 70 at 5 %)."""
    assert sum(map(has_finding, range(40))) <= 5


def test_a_slice_that_the_model_is_worse_on_comes_first():
    """85 % right everywhere but in one slice, 75 % there."""
    first = [evaluated(seed, accuracy={7: 0.75})[0] for seed in range(20)]

    assert np.mean([found.name == "by=7" and found.state is SliceState.LOSS for found in first]) >= 0.9


def test_more_slices_make_each_p_value_larger():
    few, many = (evaluated(3, slices=slices, accuracy={0: 0.78}) for slices in (3, 12))
    p_values = [{found.name: found.against_reference.p_value for found in slices}["by=0"] for slices in (few, many)]

    assert p_values[0] < p_values[1]


def test_too_few_rows_are_listed_and_not_evaluated():
    found = evaluated(1, slices=3, rows=29)

    assert {own.state for own in found} == {SliceState.INSUFFICIENT_DATA}
    assert {own.note for own in found} == {"29 rows, fewer than 30"}


def test_too_few_rows_of_the_reference_leave_the_rest_of_the_window():
    found = evaluated(1, slices=3, reference_rows=29)

    assert {own.drift for own in found} == {()}
    assert {own.note for own in found} == {"29 rows in the reference, fewer than 30"}
    assert all(own.against_rest.p_value is not None for own in found)
    assert all(own.against_reference.p_value is None for own in found)


def made(name: str, rows: int, *, gap: float = 0.0, p_value: float = 1.0, drift: float | None = None) -> Slice:
    column = SliceColumn(column="amount", effect=drift or 0.0, limit=0.1, p_value=0.5 if drift is None else 0.001)
    side = Contrast(own=0.8 + gap, other=0.8, p_value=p_value)
    return Slice(
        name=name,
        columns=("by",),
        value=name,
        rows=rows,
        rows_reference=rows,
        share=0.1,
        drift=(column,),
        against_rest=side,
    )


def test_losses_come_before_drift_and_the_more_rows_they_cost_the_earlier():
    slices = [
        made("healthy", 9_000),
        made("better", 9_000, gap=0.1, p_value=0.001),
        made("small-drift", 100, drift=0.3),
        made("drift", 1_000, drift=0.3),
        made("deep-loss", 100, gap=-0.2, p_value=1e-9),
        made("wide-loss", 5_000, gap=-0.05, p_value=0.01),
    ]

    ranked = [found.name for found in sorted(slices, key=lambda found: found.rank)]

    assert ranked == ["wide-loss", "deep-loss", "drift", "small-drift", "better", "healthy"]


@pytest.mark.parametrize(
    ("effect", "p_value", "expected"),
    [
        pytest.param(0.3, 0.001, True, id="both"),
        pytest.param(0.05, 0.001, False, id="does-not-matter"),
        pytest.param(0.3, 0.2, False, id="chance"),
        pytest.param(0.3, None, False, id="not-tested"),
    ],
)
def test_a_column_drifts_beyond_chance_and_by_what_matters(effect, p_value, expected):
    assert SliceColumn(column="a", effect=effect, limit=0.1, p_value=p_value).has_drifted is expected


def test_a_column_that_is_emptied_has_drifted():
    column = SliceColumn(column="a", empty_p_value=1e-6, empty_gap=0.4)

    assert column.has_drifted
    assert column.strength == pytest.approx(8)
