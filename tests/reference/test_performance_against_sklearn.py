"""Realised performance from labelled profiles against sklearn.metrics on the same rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics

from airflow_mlmon.tasks.binary.metrics import measure_outcomes
from airflow_mlmon.tasks.binary.outcome import profile_outcomes

ROWS = 20_000


def draw(seed, digits=None):
    random = np.random.default_rng(seed)
    score = random.beta(0.4, 0.8, ROWS)
    label = random.random(ROWS) < score
    return (score if digits is None else score.round(digits)), label


def measured(score, label):
    table = pa.table(
        {"score": score, "prediction": score >= 0.4, "label": label, "excluded": np.zeros(len(score), bool)}
    )
    return {value.metric: value for value in measure_outcomes(profile_outcomes(table), 0.5)}


@pytest.mark.parametrize(
    ("metric", "oracle"),
    [
        ("accuracy", metrics.accuracy_score),
        ("precision", metrics.precision_score),
        ("recall", metrics.recall_score),
        ("f1", metrics.f1_score),
    ],
)
def test_metric_of_the_class_is_sklearns(metric, oracle):
    score, label = draw(seed=1)

    assert measured(score, label)[metric].value == pytest.approx(oracle(label, score >= 0.4), rel=1e-14)


# Each row is rounded to 2**-40, about 1e-12.
@pytest.mark.parametrize(("metric", "oracle"), [("log_loss", metrics.log_loss), ("brier", metrics.brier_score_loss)])
def test_loss_of_the_score_is_sklearns_within_1e12(metric, oracle):
    score, label = draw(seed=2)
    score[:4], label[:4] = [0.0, 1.0, 0.0, 1.0], [True, False, False, True]

    assert measured(score, label)[metric].value == pytest.approx(oracle(label, score), abs=1e-12)


def test_roc_auc_is_sklearns_within_its_bound():
    score, label = draw(seed=3)

    value = measured(score, label)["roc_auc"]
    assert abs(value.value - metrics.roc_auc_score(label, score)) <= value.error_bound < 2e-3


def test_roc_auc_of_two_decimals_is_sklearns():
    score, label = draw(seed=4, digits=2)

    assert measured(score, label)["roc_auc"].value == pytest.approx(metrics.roc_auc_score(label, score), rel=1e-12)
