"""Estimated performance of the car loan data against NannyML's published estimates, chunk by chunk."""

from __future__ import annotations

import pytest

from tests.support.car_loan import CHUNKS, FOLDER, estimated, published_estimates, realised

# The published values have six digits.
PRINT_PRECISION = 5e-7
METRICS = ("roc_auc", "accuracy", "f1")

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the car loan data is not beside the repository")


@pytest.mark.parametrize("metric", METRICS)
def test_estimate_of_every_chunk_is_the_published_one(metric):
    expected = published_estimates()

    assert [estimated(chunk)[metric].value for chunk in range(CHUNKS)] == pytest.approx(
        [expected[metric, chunk] for chunk in range(CHUNKS)], abs=PRINT_PRECISION
    )


def test_intervals_hold_the_realised_values_until_the_relation_changes():
    inside = [
        value.low <= realised(chunk)[metric] <= value.high
        for chunk in range(CHUNKS // 2)
        for metric, value in estimated(chunk).items()
    ]

    # 25 intervals of 95 %
    assert sum(inside) >= 23
