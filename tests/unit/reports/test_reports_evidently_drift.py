from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.drift.sampled import P_VALUES
from airflow_mlmon.profiles.schema import Kind
from airflow_mlmon.reports.evidently_drift import score_samples
from airflow_mlmon.spec.methods import Method

OF_NUMBERS = [Method.ANDERSON, Method.ENERGY_DISTANCE, Method.EPPS_SINGLETON, Method.MANN_WHITNEY, Method.EMPIRICAL_MMD]
OF_TEXTS = [Method.TEXT_CONTENT, Method.TEXT_CONTENT_PERCENTILE]


def ask(method, first, second, kind=Kind.NUMERIC):
    return score_samples(pa.table({"x": first}), pa.table({"x": second}), {"x": (method, kind)})["x"]


def numbers(seed, shift=0.0):
    return np.random.default_rng(seed).normal(shift, 1, 400)


@pytest.mark.parametrize("method", OF_NUMBERS)
def test_method_of_numbers_tells_a_shift_from_none(method):
    same, moved = ask(method, numbers(1), numbers(5)), ask(method, numbers(1), numbers(5, 1.0))

    assert (same.is_beyond, moved.is_beyond) == (False, True)
    assert moved.note.startswith("p-value" if method in P_VALUES else "distance")
    assert "400 and 400 rows, evidently's own threshold" in moved.note


def test_same_rows_have_the_same_answer_whatever_the_seed():
    first = ask(Method.EMPIRICAL_MMD, numbers(1), numbers(2))
    np.random.seed(99)  # noqa: NPY002 - what a caller may do

    assert ask(Method.EMPIRICAL_MMD, numbers(1), numbers(2)) == first


def test_fisher_exact_compares_as_many_rows_of_both_sides():
    found = ask(Method.FISHER_EXACT, ["a", "b"] * 100, ["a"] * 80, Kind.CATEGORY)

    assert found.is_beyond
    assert (found.rows_reference, found.rows_current) == (80, 80)


@pytest.mark.parametrize("method", OF_TEXTS)
def test_method_of_texts_tells_new_words(method):
    random = np.random.default_rng(1)
    first, second = (
        [f"{' '.join(random.choice(words, 5))} {number % 7}" for number in range(300)]
        for words in (["rain", "snow", "wind", "fog", "hail"], ["gate", "crew", "fuel", "delay", "tower"])
    )

    assert ask(method, first, second, Kind.CATEGORY).is_beyond


def test_what_evidently_cannot_compute_says_so_without_values():
    found = ask(Method.FISHER_EXACT, ["a", "b", "secret"] * 50, ["a", "b", "secret"] * 50, Kind.CATEGORY)

    assert found.is_beyond is None
    assert found.note == "evidently's fisher_exact on samples of 150 and 150 rows: ValueError"


@pytest.mark.parametrize("current", [[], [None] * 50, [1.0] * 5, [np.inf] * 50], ids=["empty", "null", "few", "inf"])
def test_too_few_values_have_no_answer(current):
    found = ask(Method.ANDERSON, numbers(1), pa.array(current, pa.float64()))

    assert found.value is None
    assert found.note.endswith("fewer than 30 values")


def test_column_that_a_sample_lacks_has_no_answer():
    chosen = {"x": (Method.ANDERSON, Kind.NUMERIC)}

    assert score_samples(pa.table({"x": numbers(1)}), pa.table({"y": [1]}), chosen)["x"].is_beyond is None
