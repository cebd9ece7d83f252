"""The intervals hold as often as they say."""

from __future__ import annotations

import math

import numpy as np
import pytest

from airflow_mlmon.statistics.intervals import (
    auc_interval,
    delong_variance,
    f1_interval,
    mean_interval,
    mean_interval_of_sums,
    positive_interval,
    share_interval,
    share_ratio_interval,
    wilson_interval,
)


def coverage(truth: float, intervals: list[tuple[float, float] | None]) -> float:
    """The share of intervals that hold the truth, of those that exist, which are nearly all."""
    found = [interval for interval in intervals if interval is not None]
    assert len(found) >= 0.99 * len(intervals)
    return float(np.mean([low <= truth <= high for low, high in found]))


@pytest.mark.parametrize(("rows", "share"), [(60, 0.5), (300, 0.9), (1_000, 0.03)])
def test_wilson_interval_covers_the_truth(rows, share):
    hits = np.random.default_rng(3).binomial(rows, share, 4_000).tolist()

    assert 0.93 <= coverage(share, [wilson_interval(found, rows) for found in hits]) <= 0.97


@pytest.mark.parametrize("cells", [(0.2, 0.1, 0.1, 0.6), (0.05, 0.02, 0.03, 0.9), (0.6, 0.2, 0.1, 0.1)])
def test_interval_of_f1_covers_the_truth(cells):
    drawn = np.random.default_rng(4).multinomial(500, cells, 4_000)[:, :3].tolist()
    truth = 2 * cells[0] / (2 * cells[0] + cells[1] + cells[2])

    assert 0.93 <= coverage(truth, [f1_interval(*counts) for counts in drawn]) <= 0.97


@pytest.mark.parametrize("rows", [50, 500])
def test_interval_of_a_mean_covers_the_truth(rows):
    values = np.random.default_rng(5).gamma(4.0, 1.0, (4_000, rows))
    sums = zip(values.sum(axis=1).tolist(), (values**2).sum(axis=1).tolist(), strict=True)

    assert 0.93 <= coverage(4.0, [mean_interval_of_sums(rows, total, squares) for total, squares in sums]) <= 0.97


@pytest.mark.parametrize(("shift", "cases", "controls"), [(0.5, 60, 60), (1.0, 40, 200), (2.0, 100, 400)])
def test_interval_of_an_auc_covers_the_truth(shift, cases, controls):
    random = np.random.default_rng(6)
    truth = 0.5 * (1 + math.erf(shift / 2))
    intervals = []
    for _ in range(1_000):
        scores = np.concatenate((random.normal(shift, 1, cases), random.normal(0, 1, controls)))
        is_case = (scores.argsort() < cases).astype(np.int64)
        area = float(np.sum(is_case * np.cumsum(1 - is_case))) / (cases * controls)
        intervals.append(auc_interval(area, delong_variance(is_case, 1 - is_case) or 0.0))

    assert 0.93 <= coverage(truth, intervals) <= 0.97
    assert all(0 < low < high < 1 for low, high in filter(None, intervals))


def test_delong_variance_is_that_of_the_placements_of_every_pair():
    cases, controls = np.array([0, 2, 3, 1]), np.array([2, 1, 2, 0])
    scores, others = np.repeat(np.arange(4), cases), np.repeat(np.arange(4), controls)
    pairs = (scores[:, None] > others) + 0.5 * (scores[:, None] == others)

    expected = pairs.mean(axis=1).var(ddof=1) / len(scores) + pairs.mean(axis=0).var(ddof=1) / len(others)
    assert delong_variance(cases, controls) == pytest.approx(expected, rel=1e-12)
    assert delong_variance(cases, np.array([0, 1, 0, 0])) is None


def test_interval_of_a_ratio_of_shares_covers_the_truth():
    random = np.random.default_rng(7)
    drawn = zip(random.binomial(200, 0.3, 4_000).tolist(), random.binomial(400, 0.2, 4_000).tolist(), strict=True)

    assert 0.93 <= coverage(1.5, [share_ratio_interval(one, 200, other, 400) for one, other in drawn]) <= 0.97


def test_there_is_no_interval_where_the_rows_do_not_say_how_a_value_varies():
    assert wilson_interval(0, 0) is None
    assert f1_interval(0, 0, 0) is None
    assert mean_interval_of_sums(1, 4.0, 16.0) is None
    assert mean_interval_of_sums(9, 2.7, 0.81) is None
    assert auc_interval(1.0, 0.01) is auc_interval(0.0, 0.01) is auc_interval(0.5, 0.0) is None
    assert positive_interval(0.0, 1.0) is positive_interval(1.0, 0.0) is None
    assert share_ratio_interval(0, 9, 3, 9) is share_ratio_interval(3, 9, 0, 9) is None


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
