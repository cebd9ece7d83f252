"""Estimates of a classifier of several classes without labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.tasks.multiclass.description import Multiclass
from airflow_mlmon.tasks.multiclass.estimate import ESTIMATES

ORDER = ("a", "b", "c", "d")
TASK = Multiclass(ORDER)
ROWS = 4_000


def drawn(rows, seed, *, sharpness=1.0, is_labelled=True, others=0.0):
    """Rows with probabilities that are surer than they should be, and a label."""
    random = np.random.default_rng(seed)
    logits = sharpness * random.normal(0, 1.5, (rows, len(ORDER)))
    stated, true = (np.exp(scale * logits) for scale in (1.4, 1.0))
    stated, true = stated / stated.sum(axis=1, keepdims=True), true / true.sum(axis=1, keepdims=True)
    labels = (true.cumsum(axis=1) < random.random((rows, 1))).sum(axis=1)
    labels = np.where(random.random(rows) < others, random.integers(0, 4, rows), labels)
    return pa.table(
        {
            "prediction": np.array(ORDER)[stated.argmax(axis=1)],
            "probability": pa.FixedSizeListArray.from_arrays(pa.array(stated.ravel()), len(ORDER)),
            "label": pa.array(np.array(ORDER)[labels], pa.string(), mask=np.full(rows, not is_labelled)),
            "excluded": np.zeros(rows, dtype=bool),
        }
    )


SCHEMA = TASK.pin_outcomes({}, drawn(1_000, 0))
REFERENCE = TASK.profile_outcomes(drawn(20_000, 1), SCHEMA)


def estimates_of(table, reference=REFERENCE):
    return {value.metric: value for value in TASK.estimate(TASK.profile_outcomes(table, SCHEMA), reference)}


def test_estimates_need_no_labels():
    found = estimates_of(drawn(ROWS, 2, is_labelled=False))

    assert found == estimates_of(drawn(ROWS, 2))
    assert tuple(found) == ESTIMATES
    assert all(value.rows == ROWS for value in found.values())


def test_intervals_hold_what_the_labels_say():
    inside = []
    for seed in range(2, 32):
        table = drawn(ROWS, seed)
        realised = {value.metric: value.value for value in TASK.measure(TASK.profile_outcomes(table, SCHEMA), 0.5)}
        inside += [
            value.low <= realised[metric.removeprefix("estimated_")] <= value.high
            for metric, value in estimates_of(table).items()
        ]

    # 90 of 95 %, three of a day depend on each other
    assert np.mean(inside) >= 0.88


def test_less_certain_probabilities_are_seen_without_labels():
    for metric, value in estimates_of(drawn(ROWS, 3, sharpness=0.5, is_labelled=False)).items():
        assert value.high < estimates_of(drawn(ROWS, 3))[metric].low


def test_labels_that_no_longer_follow_are_not():
    table = drawn(ROWS, 4, others=0.4)
    realised = {value.metric: value.value for value in TASK.measure(TASK.profile_outcomes(table, SCHEMA), 0.5)}

    assert realised["accuracy"] < estimates_of(table)["estimated_accuracy"].low - 0.05


def test_estimates_add_up():
    first, second = (TASK.profile_outcomes(drawn(ROWS, seed), SCHEMA) for seed in (5, 6))
    whole, *parts = (TASK.estimate(one, REFERENCE)[0].value for one in (first + second, first, second))

    assert whole == pytest.approx(np.mean(parts))


@pytest.mark.parametrize(
    ("table", "reference", "reason"),
    [
        (drawn(50, 7), None, "the reference has no labels"),
        (drawn(50, 7), TASK.profile_outcomes(drawn(50, 1, is_labelled=False), SCHEMA), "the reference has no labels"),
        (drawn(50, 7), TASK.profile_outcomes(drawn(40, 1), SCHEMA), "the reference has 40 labels of 4 classes"),
        (drawn(0, 7), REFERENCE, "no row has probabilities"),
        (drawn(50, 7).set_column(1, "probability", pa.nulls(50)), REFERENCE, "no row has probabilities that add up"),
    ],
)
def test_without_probabilities_or_labels_the_reason_is_given(table, reference, reason):
    for value in estimates_of(table, reference).values():
        assert value.value is None
        assert value.reason.startswith(reason)


def test_profile_of_before_has_none():
    outcomes = TASK.profile_outcomes(drawn(50, 8), SCHEMA)
    before = replace(outcomes, sums={key: value for key, value in outcomes.sums.items() if key != "scored"})

    assert all("before estimates were made" in value.reason for value in TASK.estimate(before, REFERENCE))


def test_loss_is_that_of_probabilities_or_of_the_class():
    table = drawn(3, 9)
    of_classes = table.set_column(1, "probability", pa.nulls(3))
    [brier] = [value for value in TASK.measure(TASK.profile_outcomes(table, SCHEMA), 0.5) if value.metric == "brier"]
    wrong = [row["label"] != row["prediction"] for row in table.to_pylist()]

    assert TASK.losses(table).mean() == pytest.approx(brier.value, abs=1e-9)
    assert TASK.losses(of_classes).tolist() == [float(one) for one in wrong]
