"""Limits of what evidently finds on samples: which side is drift, and when evidently's own threshold stays."""

from __future__ import annotations

import pyarrow as pa
import pytest

from airflow_mlmon.drift.compare import DriftState, compare
from airflow_mlmon.drift.limits import Limit, is_beyond, limits_of_samples
from airflow_mlmon.drift.sampled import SampledScore, nights_of
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.spec.methods import Method
from tests.support.profiles import category_layout, make_layout, numeric_layout

LAYOUT = make_layout(numeric_layout("x"))
SIDE = profile_table(pa.table({"x": [float(number) for number in range(40)]}), LAYOUT)


def answer(value: float | None, method: Method = Method.ANDERSON) -> SampledScore:
    return SampledScore(method=method, value=value, threshold=0.1, rows_reference=500, rows_current=400)


def test_limit_of_a_p_value_lies_among_the_small_ones():
    nights = [{"x": answer(value)} for value in (0.01, 0.2, 0.3, 0.4, 0.5)]

    assert limits_of_samples(nights, 0.75) == {"x": Limit(limit=0.2, nights=5, quantile=0.75)}


def test_limit_of_a_distance_lies_among_the_large_ones():
    nights = [{"x": answer(value, Method.ENERGY_DISTANCE)} for value in (0.01, 0.2, 0.3, 0.4, 0.5)]

    assert limits_of_samples(nights, 0.75)["x"].limit == 0.4


def test_one_night_with_an_answer_gives_no_limit():
    assert limits_of_samples([{"x": answer(None)}, {"x": answer(0.3)}, {}], 0.95) == {}


@pytest.mark.parametrize(("value", "state"), [(0.02, DriftState.WITHIN), (0.005, DriftState.BEYOND)])
def test_limit_of_the_nights_comes_before_the_threshold(value, state):
    limits = {"x": Limit(limit=0.01, nights=9, quantile=0.95)}

    (found,) = compare(LAYOUT, SIDE, SIDE, method="anderson", limits=limits, sampled={"x": answer(value)})

    assert (found.state, found.limit, found.nights) == (state, 0.01, 9)
    assert found.note.endswith("400 and 500 rows; the limit is of samples of the reference's nights")


def test_without_a_limit_the_threshold_is_the_verdict():
    (found,) = compare(LAYOUT, SIDE, SIDE, method="anderson", limits={}, sampled={"x": answer(0.02)})

    assert (found.state, found.limit) == (DriftState.BEYOND, None)
    assert found.note.endswith("500 rows, threshold 0.1")


def test_without_an_answer_there_is_no_verdict():
    limits = {"x": Limit(limit=0.01, nights=9, quantile=0.95)}

    (found,) = compare(LAYOUT, SIDE, SIDE, method="anderson", limits=limits, sampled={"x": answer(None)})

    assert (found.state, found.score) == (DriftState.INSUFFICIENT_DATA, None)


def test_a_limit_itself_is_within():
    assert not is_beyond("psi", 0.2, 0.2)
    assert not is_beyond("anderson", 0.001, 0.001)


def test_a_method_too_slow_for_limits_keeps_its_own_threshold_and_says_so():
    answer = SampledScore(
        method=Method.TEXT_CONTENT_PERCENTILE, value=0.9, threshold=0.5, rows_reference=500, rows_current=400
    )
    layout = make_layout(category_layout("a", name="words"))
    side = profile_table(pa.table({"words": ["a"] * 40}), layout)

    (found,) = compare(layout, side, side, method="psi", limits={}, sampled={"words": answer})

    assert nights_of(answer.method) == 0
    assert (found.state, found.limit) == (DriftState.BEYOND, None)
    assert found.note.endswith("threshold 0.5, because it is too slow for a limit from the reference's nights")
