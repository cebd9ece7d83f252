"""Realised performance of several classes from labelled profiles against sklearn.metrics on the same rows."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics
from sklearn.dummy import DummyClassifier

from airflow_mlmon.tasks.multiclass.description import Multiclass
from tests.support.labelled import CLASSES, random_classes

TASK = Multiclass(CLASSES)
ROWS = 20_000


@cache
def rows() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, predictions and probabilities of the labelled rows."""
    frame = random_classes(ROWS, 5).to_pandas()
    frame = frame[frame["label"].notna() & ~frame["excluded"]]
    return frame["label"].to_numpy(str), frame["prediction"].to_numpy(str), np.stack(frame["probability"].to_numpy())


@cache
def measured():
    table = random_classes(ROWS, 5)
    outcomes = TASK.profile_outcomes(table, TASK.pin_outcomes({}, table))
    return {value.metric: value for value in TASK.measure(outcomes, 0.5)}


@pytest.mark.parametrize(
    ("metric", "oracle"),
    [
        ("accuracy", metrics.accuracy_score),
        ("balanced_accuracy", metrics.balanced_accuracy_score),
        *(
            (
                f"{name}_{average}",
                lambda truth, found, score=score, average=average: score(truth, found, average=average),
            )
            for name, score in (
                ("precision", metrics.precision_score),
                ("recall", metrics.recall_score),
                ("f1", metrics.f1_score),
            )
            for average in ("macro", "micro", "weighted")
        ),
    ],
)
def test_metric_of_the_classes_is_sklearns(metric, oracle):
    truth, predicted, _ = rows()

    assert measured()[metric].value == pytest.approx(oracle(truth, predicted), rel=1e-12)


@pytest.mark.parametrize(
    ("metric", "oracle"),
    [
        ("log_loss", metrics.log_loss),
        (
            "brier",
            lambda truth, found: metrics.brier_score_loss(truth, found, labels=list(CLASSES), scale_by_half=False),
        ),
        ("top_k_accuracy", lambda truth, found: metrics.top_k_accuracy_score(truth, found, k=2)),
    ],
)
def test_metric_of_the_probabilities_is_sklearns(metric, oracle):
    truth, _, probabilities = rows()

    # each row is rounded to 2**-40
    assert measured()[metric].value == pytest.approx(oracle(truth, probabilities), abs=1e-12)


def test_area_is_sklearns_within_its_bound():
    truth, _, probabilities = rows()

    value = measured()["roc_auc"]
    error = abs(value.value - metrics.roc_auc_score(truth, probabilities, multi_class="ovr"))
    assert error <= value.error_bound < 2e-3
    assert error < 1e-4


def test_calibration_error_is_the_mean_of_each_class_in_16_bins():
    truth, _, probabilities = rows()
    errors = []
    for place, name in enumerate(CLASSES):
        own, hits = probabilities[:, place], truth == name
        bins = np.minimum(np.floor(own * 16), 15)
        errors.append(sum(abs(np.sum(own[bins == one] - hits[bins == one])) for one in range(16)) / len(own))

    assert measured()["ece"].value == pytest.approx(np.mean(errors), abs=1e-4)


def test_constants_are_those_of_sklearns_dummies():
    truth, _, _ = rows()
    table = random_classes(ROWS, 5)
    outcomes = TASK.profile_outcomes(table, TASK.pin_outcomes({}, table))
    nothing = np.zeros((len(truth), 1))
    frequent, prior = (DummyClassifier(strategy=name).fit(nothing, truth) for name in ("most_frequent", "prior"))
    predicted, shares = frequent.predict(nothing), prior.predict_proba(nothing)

    found = TASK.constant_scores(outcomes, outcomes)

    expected = {
        "accuracy": metrics.accuracy_score(truth, predicted),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, predicted),
        "f1_macro": metrics.f1_score(truth, predicted, average="macro"),
        "f1_weighted": metrics.f1_score(truth, predicted, average="weighted"),
        "precision_macro": metrics.precision_score(truth, predicted, average="macro", zero_division=0),
        "log_loss": metrics.log_loss(truth, shares),
        "roc_auc": metrics.roc_auc_score(truth, shares, multi_class="ovr"),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_intervals_cover_what_many_rows_say():
    truth = {value.metric: value for value in TASK.measure(_outcomes(200_000, 1), 0.5)}
    samples = [{value.metric: value for value in TASK.measure(_outcomes(400, seed), 0.5)} for seed in range(2, 302)]

    for name in truth.keys() - {"label_coverage", "excluded_share", "ece"}:
        held = [sample[name].low <= truth[name].value <= sample[name].high for sample in samples]
        # that of the areas takes the errors of the classes as dependent
        assert 0.91 <= np.mean(held) <= (1 if name == "roc_auc" else 0.99), name


def _outcomes(rows: int, seed: int):
    table: pa.Table = random_classes(rows, seed)
    return TASK.profile_outcomes(table, TASK.pin_outcomes({}, random_classes(2_000, 1)))
