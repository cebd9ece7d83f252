"""Differences between two scores of the same rows, against scikit-learn and against what they are defined by."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from include.retraining.contrast import Paired, contrast_scores

RNG = np.random.default_rng(3)
LABELS = RNG.random(200) < 0.3
OLD = np.clip(0.3 + 0.1 * LABELS + RNG.normal(0, 0.2, 200), 0, 1).round(2)
NEW = np.clip(0.3 + 0.3 * LABELS + RNG.normal(0, 0.2, 200), 0, 1).round(2)


def contrasts() -> dict[str, Paired]:
    return {found.metric: found for found in contrast_scores(LABELS, OLD, NEW)}


@pytest.mark.parametrize(
    ("metric", "expected"),
    [("roc_auc", roc_auc_score), ("brier", brier_score_loss), ("log_loss", log_loss)],
)
def test_metrics_are_those_of_sklearn(metric, expected):
    found = contrasts()[metric]

    # sklearn clips scores of 0 and 1 elsewhere
    inner = [np.clip(score, 1e-6, 1 - 1e-6) for score in (OLD, NEW)]
    assert (found.old, found.new) == pytest.approx([expected(LABELS, score) for score in inner])


def test_interval_of_the_roc_auc_is_delongs():
    found = contrasts()["roc_auc"]
    kernels = [
        (score[LABELS][:, None] > score[~LABELS]) + 0.5 * (score[LABELS][:, None] == score[~LABELS])
        for score in (OLD, NEW)
    ]
    change = kernels[1] - kernels[0]
    variance = (
        np.var(change.mean(axis=1), ddof=1) / LABELS.sum() + np.var(change.mean(axis=0), ddof=1) / (~LABELS).sum()
    )

    assert found.high - found.low == pytest.approx(2 * 1.959963984540054 * variance**0.5)
    assert (found.low + found.high) / 2 == pytest.approx(found.new - found.old)
    assert found.low > 0


def test_same_scores_differ_by_nothing():
    assert {(found.low, found.high) for found in contrast_scores(LABELS, OLD, OLD)} == {(0.0, 0.0)}


def test_labels_of_one_class_have_no_roc_auc():
    found = contrast_scores(np.ones(3, dtype=bool), np.array([0.1, 0.5, 0.9]), np.array([0.2, 0.5, 0.9]))

    assert [each.metric for each in found] == ["log_loss", "brier"]


def test_one_row_says_nothing_of_how_it_varies():
    [_, brier] = contrast_scores(np.array([True]), np.array([0.5]), np.array([0.75]))

    assert (brier.old, brier.new, brier.low, brier.high) == (0.25, 0.0625, None, None)


def test_one_row_of_a_class_has_a_roc_auc_without_an_interval():
    [area, *_] = contrast_scores(np.array([True, False, False]), np.array([0.5, 0.4, 0.6]), np.array([0.9, 0.1, 0.2]))

    assert (area.old, area.new, area.low) == (0.5, 1.0, None)
