"""The intervals of differences hold as often as they say."""

from __future__ import annotations

import numpy as np
import pytest

from airflow_mlmon.statistics.intervals import mean_interval, share_interval


@pytest.mark.parametrize(("before", "after"), [(0.5, 0.5), (0.9, 0.8), (0.98, 0.99)])
def test_interval_of_shares_covers_the_truth(before, after):
    random = np.random.default_rng(1)
    hits = zip(random.binomial(60, before, 2000).tolist(), random.binomial(300, after, 2000).tolist(), strict=True)
    intervals = [share_interval(first, 60, second, 300) for first, second in hits]

    covered = np.mean([low <= after - before <= high for low, high in intervals])
    # it errs on the safe side near 0 and 1
    assert 0.93 <= covered <= (0.97 if after < 0.95 else 1.0)


def test_interval_of_means_covers_the_truth():
    random = np.random.default_rng(2)
    covered = []
    for _ in range(1000):
        one, two = random.normal(1, 2, 50), random.normal(1.5, 1, 200)
        low, high = mean_interval(one.mean(), one.std(), 50, (two.mean(), two.std(), 200))
        covered.append(low <= 0.5 <= high)

    assert 0.92 <= np.mean(covered) <= 0.98
