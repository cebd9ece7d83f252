"""Realised performance from labelled profiles against sklearn.metrics on the same rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats
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
        ("balanced_accuracy", metrics.balanced_accuracy_score),
        ("matthews", metrics.matthews_corrcoef),
        ("specificity", lambda label, predicted: metrics.recall_score(~label, ~predicted)),
        ("fpr", lambda label, predicted: 1 - metrics.recall_score(~label, ~predicted)),
        ("fnr", lambda label, predicted: 1 - metrics.recall_score(label, predicted)),
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


@pytest.mark.parametrize("digits", [None, 3, 2])
def test_average_precision_is_sklearns_within_its_bound(digits):
    score, label = draw(seed=5, digits=digits)

    value = measured(score, label)["average_precision"]
    error = abs(value.value - metrics.average_precision_score(label, score))
    assert error <= value.error_bound < 0.01
    assert error < (1e-12 if digits == 2 else 3e-4)


@pytest.mark.parametrize("digits", [None, 2])
def test_largest_distance_is_scipys_within_its_bound(digits):
    score, label = draw(seed=6, digits=digits)

    value = measured(score, label)["ks"]
    error = abs(value.value - stats.ks_2samp(score[label], score[~label]).statistic)
    assert error <= value.error_bound + 1e-12 < 0.01
    assert error < (1e-12 if digits == 2 else 1e-3)


def test_gini_is_twice_sklearns_area_minus_1():
    score, label = draw(seed=7, digits=2)

    assert measured(score, label)["gini"].value == pytest.approx(2 * metrics.roc_auc_score(label, score) - 1, rel=1e-12)


@pytest.mark.parametrize("share", [5, 10])
def test_top_is_that_of_the_sorted_rows_within_its_bound(share):
    score, label = draw(seed=8)
    top = label[np.argsort(-score)][: ROWS * share // 100]

    rate, lift = (measured(score, label)[f"{name}_top_{share}"] for name in ("positive_rate", "lift"))
    assert abs(rate.value - top.mean()) <= rate.error_bound < 2e-3
    assert abs(lift.value - top.mean() / label.mean()) <= lift.error_bound < 5e-3


def test_calibration_error_is_that_of_the_rows_in_16_bins():
    score, label = draw(seed=9)
    bins = np.minimum(np.floor(score * 16), 15)
    gaps = [abs(np.sum(score[bins == place] - label[bins == place])) for place in range(16)]

    assert measured(score, label)["ece"].value == pytest.approx(sum(gaps) / ROWS, abs=1e-4)
