"""Sums of losses beside those expected, and the shifts that follow from them."""

from __future__ import annotations

import numpy as np
import pytest

from airflow_mlmon.errors import ProfileSchemaMismatchError
from airflow_mlmon.profiles.codec.framing import ByteReader, ByteWriter
from airflow_mlmon.tasks.losses import LossSums, concept_shift, covariate_shift, estimate_loss

ROWS = 4_000


def drawn(seed, *, rows=ROWS, inputs=0.0, relation=0.0, labelled=1.0, exponent=0):
    """Losses of which some is known beforehand."""
    random = np.random.default_rng(seed)
    expected = 1 + inputs + random.random(rows)
    losses = expected * (1 + relation) + random.normal(0, 0.3, rows)
    return LossSums.of(np.where(random.random(rows) < labelled, losses, np.nan), expected, exponent)


REFERENCE = drawn(0, rows=20_000)


def test_change_of_the_mean_loss_is_the_sum_of_both_shifts():
    day = drawn(1, inputs=0.2, relation=0.1)
    inputs, relation = covariate_shift(day, REFERENCE), concept_shift(day, REFERENCE)
    change = (day.mean_expected + day.mean_excess) - (REFERENCE.mean_expected + REFERENCE.mean_excess)

    assert inputs.value + relation.value == pytest.approx(change)
    assert inputs.value == pytest.approx(0.2, abs=0.03)
    assert relation.value == pytest.approx(0.17, abs=0.03)
    assert inputs.low > 0
    assert relation.low > 0


def test_intervals_hold_nothing_where_nothing_moved():
    inside = [
        (covariate_shift(day, REFERENCE), concept_shift(day, REFERENCE))
        for day in (drawn(seed) for seed in range(1, 201))
    ]

    for shifts in zip(*inside, strict=True):
        assert 0.9 <= np.mean([shift.low <= 0 <= shift.high for shift in shifts]) <= 0.99


def test_estimate_holds_the_mean_loss_that_labels_then_have():
    inside = []
    for seed in range(1, 101):
        day = drawn(seed, inputs=0.3)
        estimate = estimate_loss("estimated_mae", day, REFERENCE)
        inside.append(estimate.low <= day.mean_expected + day.mean_excess <= estimate.high)

    assert 0.88 <= np.mean(inside) <= 1


def test_sums_add_up_and_survive_their_bytes():
    first, second = drawn(2, labelled=0.5), drawn(3)
    writer = ByteWriter()
    (first + second).write(writer)

    assert LossSums.read(ByteReader(writer.seal(b"TEST", 1), b"TEST", 1)) == first + second == second + first
    assert (first + second) - second == first
    assert LossSums() + first == first == first + LossSums()
    with pytest.raises(ProfileSchemaMismatchError):
        first + drawn(2, exponent=3)


def test_unit_changes_nothing():
    for exponent in (-3, 10):
        assert drawn(4, exponent=exponent).mean_expected == pytest.approx(drawn(4).mean_expected, rel=1e-6)
        assert drawn(4, exponent=exponent).mean_excess == pytest.approx(drawn(4).mean_excess, abs=1e-6)


@pytest.mark.parametrize(
    ("day", "reference", "reason"),
    [
        (drawn(5), None, "the reference has too few labels"),
        (drawn(5), drawn(0, labelled=0), "the reference has too few labels"),
        (None, REFERENCE, "no loss is expected of any row"),
        (LossSums(), REFERENCE, "no loss is expected of any row"),
    ],
)
def test_without_losses_the_reason_is_given(day, reference, reason):
    found = [
        covariate_shift(day, reference),
        concept_shift(day, reference),
        estimate_loss("estimated_mae", day, reference),
    ]

    assert [value.value for value in found] == [None] * 3
    assert all(reason in value.reason for value in found)


def test_few_labels_tell_no_concept_shift():
    found = concept_shift(drawn(6, labelled=0.2), REFERENCE, "20% of the labels received")

    assert (found.value, found.reason) == (None, "20% of the labels received")
    assert concept_shift(drawn(6, labelled=0.0), REFERENCE).reason == "no row has a loss"


def test_infinite_and_absurd_losses_do_not_count_for_all():
    losses, expected = np.array([1.0, np.inf, 1e300, np.nan]), np.array([1.0, 1.0, 1.0, np.nan])
    found = LossSums.of(losses, expected, 0)

    assert (found.rows, found.labelled) == (3, 3)
    assert found.mean_excess == pytest.approx((0 + 1023 + 1023) / 3)
