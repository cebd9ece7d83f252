"""Estimates of performance without labels: what they are, and when there are none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.tasks.binary.estimate import ESTIMATES, estimate_performance
from airflow_mlmon.tasks.binary.metrics import measure_outcomes
from airflow_mlmon.tasks.binary.outcome import BinaryOutcomes, profile_outcomes
from tests.support.labelled import labelled_table

ROWS = 4_000


def drawn(rows, seed, *, shift=1.0, is_labelled=True, bias=0.0):
    """Scores that say too much, with a predicted class and labels."""
    random = np.random.default_rng(seed)
    score = random.beta(shift, 2, rows)
    label = random.random(rows) < 0.1 + 0.6 * score + bias
    return profile_outcomes(
        pa.table(
            {
                "score": score,
                "prediction": score >= 0.5,
                "label": pa.array(label, mask=np.full(rows, not is_labelled)),
                "excluded": np.zeros(rows, dtype=bool),
            }
        )
    )


REFERENCE = drawn(40_000, 1)


def estimates_of(outcomes, reference=REFERENCE):
    return {value.metric: value for value in estimate_performance(outcomes, reference)}


def test_estimates_need_no_labels():
    labelled, without = drawn(ROWS, 2), drawn(ROWS, 2, is_labelled=False)

    assert without.labelled == 0
    assert estimates_of(without) == estimates_of(labelled)
    assert tuple(estimates_of(without)) == ESTIMATES
    assert all(value.rows == ROWS and not value.reason for value in estimates_of(without).values())


def test_intervals_hold_what_the_labels_say_also_of_other_scores():
    inside = []
    for seed in range(2, 62):
        outcomes = drawn(ROWS, seed, shift=1.0 + seed % 3)
        realised = {value.metric: value.value for value in measure_outcomes(outcomes, 0.8)}
        inside += [
            value.low <= realised[metric.removeprefix("estimated_")] <= value.high
            for metric, value in estimates_of(outcomes).items()
        ]

    # 300 of 95 %, five of a day depend on each other
    assert 0.91 <= np.mean(inside) <= 0.99


def test_labels_that_no_longer_follow_the_scores_are_not_seen():
    moved = drawn(ROWS, 3, bias=0.2)
    realised = {value.metric: value.value for value in measure_outcomes(moved, 0.8)}
    estimate = estimates_of(moved)["estimated_recall"]

    assert not estimate.low <= realised["recall"] <= estimate.high


def test_interval_is_wider_where_the_reference_has_few_labels():
    few = drawn(400, 4)
    outcomes = drawn(ROWS, 5)

    for metric, value in estimates_of(outcomes).items():
        found = estimates_of(outcomes, few)[metric]
        assert found.high - found.low > 1.2 * (value.high - value.low)


def test_estimates_of_a_sum_are_of_all_its_rows():
    first, second = drawn(ROWS, 6), drawn(ROWS, 7, shift=3.0)
    whole = estimates_of(first + second)["estimated_accuracy"]
    parts = [estimates_of(part)["estimated_accuracy"].value for part in (first, second)]

    assert whole.value == pytest.approx(np.mean(parts))
    assert whole.rows == 2 * ROWS
    assert estimates_of((first + second) - second) == estimates_of(first)


@pytest.mark.parametrize(
    ("outcomes", "reference", "reason"),
    [
        (drawn(ROWS, 8), None, "the reference has no labels of rows with a score"),
        (drawn(ROWS, 8), drawn(100, 1, is_labelled=False), "the reference has no labels of rows with a score"),
        (drawn(ROWS, 8), drawn(12, 1), "the reference has 2 labels of a class, fewer than 20"),
        (replace(drawn(ROWS, 8), scores=None), REFERENCE, "the day was profiled before estimates were made"),
        (BinaryOutcomes.empty(), REFERENCE, "no row has a score"),
    ],
)
def test_without_scores_or_labels_the_reason_is_given(outcomes, reference, reason):
    for value in estimate_performance(outcomes, reference):
        assert value.value is None
        assert value.reason.startswith(reason)


@pytest.mark.parametrize(
    ("prediction", "score", "reasons"),
    [
        (None, 0.7, dict.fromkeys(ESTIMATES[:4], "no row has a score and a predicted class")),
        (False, 0.7, {"estimated_precision": "no row was predicted positive"}),
        (None, None, dict.fromkeys(ESTIMATES, "no row has a score")),
    ],
)
def test_what_cannot_be_divided_has_no_estimate(prediction, score, reasons):
    found = estimates_of(profile_outcomes(labelled_table(score=[score] * 50, prediction=[prediction] * 50)))

    assert {metric: value.reason for metric, value in found.items() if value.value is None} == reasons


def test_scores_that_are_not_finite_count_for_nothing():
    score, prediction = [0.2, 0.8, float("nan"), None], [False, True, True, True]
    outcomes = profile_outcomes(labelled_table(score=score, prediction=prediction))

    assert outcomes.scores.rows == 2
    assert estimates_of(outcomes)["estimated_accuracy"].rows == 2


def test_estimates_stay_as_they_are_when_rows_turn_out_to_be_excluded():
    score, prediction = [0.2, 0.8, 0.9] * 20, [False, True, True] * 20
    before = profile_outcomes(labelled_table(score=score, prediction=prediction))
    after = profile_outcomes(labelled_table(score=score, prediction=prediction, excluded=[False, False, True] * 20))

    assert estimates_of(after) == estimates_of(before)


def test_bytes_without_the_cells_of_all_scores_stay_without():
    lacking = replace(drawn(ROWS, 9), scores=None)

    assert BinaryOutcomes.from_bytes(lacking.to_bytes()) == lacking
    assert (lacking + drawn(ROWS, 9)).scores is None


def test_many_scores_are_counted_as_few_are():
    rows = 70_000
    random = np.random.default_rng(10)
    score = random.normal(0.5, 3.0, rows)
    table = labelled_table(score=score, prediction=score > 0.5, label=random.random(rows) < 0.5)
    pieces = [profile_outcomes(table.slice(start, 5_000)) for start in range(0, rows, 5_000)]

    assert sum(pieces, start=BinaryOutcomes.empty()) == profile_outcomes(table)
