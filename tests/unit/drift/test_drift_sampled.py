"""What evidently finds on samples, as the score of a column."""

from __future__ import annotations

import pyarrow as pa
import pytest

from airflow_mlmon.drift.compare import compare_profiles
from airflow_mlmon.drift.sampled import SampledScore
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.spec.methods import Method
from tests.support.profiles import make_schema, numeric_schema

SCHEMA = make_schema(numeric_schema("x"))
SIDE = profile_table(pa.table({"x": [float(number) for number in range(40)]}), SCHEMA)


def answer(value: float | None, method: Method = Method.ANDERSON) -> SampledScore:
    return SampledScore(method=method, value=value, threshold=0.1, rows_reference=500, rows_current=400)


@pytest.mark.parametrize(
    ("method", "value", "is_beyond"),
    [
        (Method.ANDERSON, 0.02, True),
        (Method.ANDERSON, 0.1, False),
        (Method.ENERGY_DISTANCE, 0.2, True),
        (Method.ENERGY_DISTANCE, 0.1, False),
        (Method.ANDERSON, None, None),
    ],
)
def test_small_p_values_and_large_distances_pass_the_threshold_and_the_threshold_itself_does_not(
    method, value, is_beyond
):
    assert answer(value, method).is_beyond is is_beyond


def test_the_score_says_what_it_is_of_and_evidentlys_threshold():
    (found,) = compare_profiles(SCHEMA, SIDE, SIDE, method="anderson", sampled={"x": answer(0.02)})

    assert (found.method, found.score) == ("anderson", 0.02)
    assert found.note.endswith("400 and 500 rows, evidently's own threshold 0.1")


def test_without_an_answer_there_is_no_score():
    (found,) = compare_profiles(SCHEMA, SIDE, SIDE, method="anderson", sampled={"x": answer(None)})

    assert found.score is None
    assert found.note.endswith("400 and 500 rows: not computed")
