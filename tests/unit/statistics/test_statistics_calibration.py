"""Isotonic calibration of cells against scikit-learn on rows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import isotonic_regression
from sklearn.isotonic import IsotonicRegression

from airflow_mlmon.statistics.calibration import Calibration


def drawn(rows, seed):
    random = np.random.default_rng(seed)
    keys = random.integers(0, 60, rows)
    return keys, random.random(rows) < (keys / 60) ** 2


def fitted(keys, hits):
    held, places = np.unique(keys, return_inverse=True)
    return Calibration.fit(held, np.bincount(places, weights=hits).astype(np.int64), np.bincount(places))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_calibration_is_that_of_scikit_learn_on_the_rows(seed):
    keys, hits = drawn(2_000, seed)
    theirs = IsotonicRegression(out_of_bounds="clip").fit(keys, hits)
    asked = np.arange(-5, 70)

    assert fitted(keys, hits).at(asked) == pytest.approx(theirs.predict(asked), abs=1e-12)


@pytest.mark.parametrize("keys", [1, 2, 7, 60, 900])
@pytest.mark.parametrize("seed", range(10))
def test_blocks_are_those_of_scipy_to_the_last_bit(keys, seed):
    random = np.random.default_rng(seed)
    rows = random.integers(1, 40, keys)
    hits = random.binomial(rows, np.clip(np.linspace(0, 1, keys) + random.normal(scale=0.3, size=keys), 0, 1))
    theirs = isotonic_regression(hits / rows, weights=rows)

    found = Calibration.fit(np.arange(keys), hits, rows)

    assert found.shares.tolist() == theirs.x.tolist()
    assert found.starts.tolist() == theirs.blocks[:-1].tolist()


def test_blocks_hold_all_labels():
    keys, hits = drawn(2_000, 4)
    found = fitted(keys, hits)

    assert found.rows.sum() == 2_000
    assert (np.diff(found.shares) >= 0).all()
    assert (found.rows * found.shares[found.starts]).sum() == pytest.approx(hits.sum())


def test_variance_is_that_of_fits_to_other_labels():
    weights = np.full(60, 1 / 60)
    asked = np.arange(60)
    estimates = [fitted(*drawn(3_000, seed)).at(asked) @ weights for seed in range(300)]
    variance = fitted(*drawn(3_000, 1)).variance(asked, weights)

    assert variance == pytest.approx(np.var(estimates), rel=0.25)
