"""The intervals of differences between versions hold as often as they say."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.performance.difference import compare_performance, mean_interval, share_interval
from airflow_mlmon.performance.labelled import LabelledProfile, profile_labels


def labelled(rows: int, seed: int, skill: float) -> LabelledProfile:
    random = np.random.default_rng(seed)
    label = random.random(rows) < 0.4
    score = 1 / (1 + np.exp(-(random.normal(0, 1, rows) + skill * label - 0.5)))
    table = {"score": score, "prediction": score > 0.5, "label": label, "void": np.zeros(rows, dtype=bool)}
    return profile_labels(pa.table(table))


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


def test_interval_of_the_auc_covers_the_truth():
    truth = compare_performance(labelled(200_000, 1, 1.0), labelled(200_000, 2, 2.0), 0)
    [exact] = [row.after - row.before for row in truth if row.metric == "roc_auc"]
    found = [compare_performance(labelled(150, seed, 1.0), labelled(400, seed + 5000, 2.0), 0) for seed in range(400)]
    intervals = [row for rows in found for row in rows if row.metric == "roc_auc"]

    assert 0.92 <= np.mean([row.low <= exact <= row.high for row in intervals]) <= 0.985


def test_better_version_is_apart_and_an_equal_one_is_not():
    better = {row.metric: row for row in compare_performance(labelled(3000, 1, 1.0), labelled(3000, 2, 2.0), 0)}
    equal = {row.metric: row for row in compare_performance(labelled(3000, 1, 1.0), labelled(3000, 4, 1.0), 0)}

    assert better["accuracy"].is_apart
    assert better["roc_auc"].is_apart
    assert not better["log_loss"].is_apart
    assert better["log_loss"].low is None
    assert not any(row.is_apart for row in equal.values())


def test_version_without_labels_has_no_difference():
    rows = {row.metric: row for row in compare_performance(labelled(100, 1, 1.0), LabelledProfile.empty(), 0.5)}

    assert rows["accuracy"].before is not None
    assert (rows["accuracy"].after, rows["accuracy"].low) == (None, None)
