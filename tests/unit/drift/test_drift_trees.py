"""Trees read from scikit-learn say of each row what it says, bit for bit, and are kept as JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

from airflow_mlmon.drift.expected_loss import LossModel, fit_losses
from airflow_mlmon.drift.trees import Trees
from tests.unit.drift.test_drift_expected_loss import COLUMNS, drawn

ROWS = 20_000


def cells_with(categories, seed):
    """Cells of which some are missing, and some are codes that few rows have."""
    random = np.random.default_rng(seed)
    numbers = np.round(random.normal(size=(ROWS, 4)), 2)
    codes = np.minimum(random.geometric(0.05, (ROWS, 4)) - 1.0, 254)
    cells = np.where(categories, codes, numbers)
    cells[random.random(cells.shape) < 0.1] = np.nan
    return cells


@pytest.mark.parametrize(
    "categories",
    [
        pytest.param([False, False, False, False], id="numbers"),
        pytest.param([False, True, False, True], id="both"),
        pytest.param([True, True, True, True], id="categories"),
    ],
)
def test_trees_say_what_scikit_learn_says(categories):
    cells, new = cells_with(categories, 1), cells_with(categories, 2)
    losses = np.nan_to_num(cells).sum(axis=1) % 7 + 3 * np.isnan(cells[:, 0])
    # as few rows as leave codes unknown to the fit
    model = HistGradientBoostingRegressor(
        max_iter=30, max_leaf_nodes=15, early_stopping=False, categorical_features=categories
    ).fit(cells[:600], losses[:600])

    trees = Trees.of_scikit(model, categories)

    assert np.array_equal(trees.predict(new), model.predict(new))
    again = Trees(*json.loads(json.dumps([trees.base, trees.trees])))
    assert np.array_equal(again.predict(new), model.predict(new))


def test_trees_that_are_kept_otherwise_are_not_read():
    assert Trees.of_scikit(SimpleNamespace(), [False]) is None


def test_a_stored_model_expects_the_same_and_needs_no_scikit_learn():
    rows, losses = drawn(3_000, 1)
    model = fit_losses(rows, losses, COLUMNS, "id")
    content = model.to_json()
    # columns that were not known, or lie in another order, change nothing
    stored = LossModel.of_json(content, COLUMNS[::-1])

    assert np.array_equal(stored.expect(rows), model.expect(rows))
    assert np.array_equal(stored.expect_own(rows, "id"), model.expect_own(rows, "id"))
    probe = (
        "import sys, airflow_mlmon.drift.expected_loss\n"
        "print([name for name in ('sklearn', 'scipy', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"
