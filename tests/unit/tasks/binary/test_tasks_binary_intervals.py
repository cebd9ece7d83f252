"""Intervals of the metrics of a binary classifier, and the scores of its constant predictions."""

from __future__ import annotations

from dataclasses import replace
from itertools import repeat

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics
from sklearn.dummy import DummyClassifier

from airflow_mlmon.records import MetricValue
from airflow_mlmon.tasks.binary.constant import score_constants
from airflow_mlmon.tasks.binary.description import Binary
from airflow_mlmon.tasks.binary.metrics import measure_outcomes
from airflow_mlmon.tasks.binary.outcome import BinaryOutcomes, profile_outcomes
from airflow_mlmon.tasks.parts import OutcomeParts, measure_parts, set_constants

WITHOUT = {"label_coverage", "ece"}
# the law of the first 20 rows of a list, and of a curve, is less exact
ORDERED = {"average_precision", *(f"{name}_top_{share}" for name in ("positive_rate", "lift") for share in (5, 10))}


def outcomes(score: np.ndarray, label: np.ndarray) -> BinaryOutcomes:
    columns = {"score": score, "prediction": score >= 0.4, "label": label, "excluded": np.zeros(len(score), bool)}
    return profile_outcomes(pa.table(columns))


def drawn(random: np.random.Generator, rows: int, base: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    label = random.random(rows) < base
    return 1 / (1 + np.exp(-random.normal(np.where(label, 0.3, -1.2), 1.0))), label


def measured(score: np.ndarray, label: np.ndarray) -> dict[str, MetricValue]:
    return {value.metric: value for value in measure_outcomes(outcomes(score, label), 0.5)}


def test_every_metric_of_the_labels_has_an_interval_but_their_coverage():
    values = measured(*drawn(np.random.default_rng(1), 500))

    assert {name for name, value in values.items() if value.low is None} == WITHOUT
    assert all(
        value.low < value.value < value.high
        for name, value in values.items()
        if name not in WITHOUT | {"excluded_share"}
    )
    assert (values["excluded_share"].low, values["excluded_share"].value) == (0.0, 0.0)


def test_intervals_cover_what_many_rows_say():
    random = np.random.default_rng(2)
    truth = measured(*drawn(random, 600_000))
    samples = [measured(*drawn(random, 400)) for _ in repeat(None, 800)]

    for name in truth.keys() - WITHOUT - {"excluded_share"}:
        held = [sample[name].low <= truth[name].value <= sample[name].high for sample in samples]
        assert (0.91 if name in ORDERED else 0.93) <= np.mean(held) <= (0.99 if name in ORDERED else 0.97), name


def test_metric_without_a_value_has_no_interval():
    values = measured(np.array([0.1, 0.2]), np.array([False, False]))

    assert (values["precision"].value, values["precision"].low, values["precision"].high) == (None, None, None)
    assert (values["roc_auc"].value, values["roc_auc"].low) == (None, None)


@pytest.mark.parametrize("base", [0.2, 0.8])
def test_constants_are_those_of_sklearns_dummies(base):
    random = np.random.default_rng(3)
    before, (score, label) = drawn(random, 900, base)[1], drawn(random, 400, base)
    rows = np.zeros((len(before), 1)), np.zeros((len(label), 1))
    frequent, prior = (DummyClassifier(strategy=name).fit(rows[0], before) for name in ("most_frequent", "prior"))
    always = np.ones(len(label), bool)
    share = prior.predict_proba(rows[1])[:, 1]

    found = score_constants(outcomes(score, label), outcomes(np.full(len(before), 0.5), before))

    assert found == pytest.approx(
        {
            "accuracy": metrics.accuracy_score(label, frequent.predict(rows[1])),
            "precision": metrics.precision_score(label, always),
            "f1": metrics.f1_score(label, always),
            "balanced_accuracy": metrics.balanced_accuracy_score(label, frequent.predict(rows[1])),
            "average_precision": metrics.average_precision_score(label, share),
            "roc_auc": metrics.roc_auc_score(label, share),
            "gini": 2 * metrics.roc_auc_score(label, share) - 1,
            "ks": 0.0,
            "ece": abs(label.mean() - before.mean()),
            **{f"positive_rate_top_{top}": label.mean() for top in (5, 10)},
            **{f"lift_top_{top}": 1.0 for top in (5, 10)},
            "log_loss": metrics.log_loss(label, share),
            "brier": metrics.brier_score_loss(label, share),
        }
    )


def test_constant_of_one_class_has_no_log_loss_and_of_no_labels_nothing():
    one_class = outcomes(np.array([0.2, 0.3]), np.array([False, False]))

    shares = {"ece": 0.0, "positive_rate_top_5": 0.0, "positive_rate_top_10": 0.0}
    assert score_constants(one_class, one_class) == {"accuracy": 1.0, "brier": 0.0, **shares}
    assert score_constants(one_class, BinaryOutcomes.empty()) == {}
    assert score_constants(BinaryOutcomes.empty(), one_class) == {}


def test_constants_stand_beside_the_values_of_all_rows_and_of_each_part():
    task, random = Binary(), np.random.default_rng(4)
    of_part, reference = (outcomes(*drawn(random, 200, base)) for base in (0.1, 0.7))
    found = OutcomeParts(whole=of_part + outcomes(*drawn(random, 200, 0.9)), parts={"origin=JFK": of_part})

    values = {value.key: value for value in set_constants(task, measure_parts(task, found, 0.5), found, reference)}

    for segment, profile in ((None, found.whole), ("origin=JFK", of_part)):
        accuracy = values["accuracy", None, segment]
        assert accuracy.constant == profile.positive / profile.labelled
        assert replace(accuracy, constant=None) in measure_parts(task, found, 0.5)
        assert values["recall", None, segment].constant is None
