"""Metrics of several classes against scikit-learn on the same rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics

from airflow_mlmon.tasks.multiclass.description import Multiclass
from tests.support.labelled import CLASSES, random_classes

TASK = Multiclass(CLASSES)


def measured(table: pa.Table):
    schema = TASK.pin_outcomes({}, table)
    return {value.metric: value for value in TASK.measure(TASK.profile_outcomes(table, schema), 0.5)}


@pytest.fixture(scope="module")
def rows():
    table = random_classes(5_000, 3)
    return table.filter(pa.compute.and_(table["label"].is_valid(), pa.compute.invert(table["excluded"])))


@pytest.fixture(scope="module")
def sides(rows):
    probabilities = rows["probability"].combine_chunks().flatten().to_numpy().reshape(-1, len(CLASSES))
    return (
        rows["label"].to_numpy(zero_copy_only=False),
        rows["prediction"].to_numpy(zero_copy_only=False),
        probabilities,
    )


def test_counts_are_exact(rows, sides):
    truth, predicted, _ = sides
    found = measured(rows)

    assert found["accuracy"].value == pytest.approx(metrics.accuracy_score(truth, predicted), abs=1e-15)
    assert found["balanced_accuracy"].value == pytest.approx(metrics.balanced_accuracy_score(truth, predicted))
    for name in ("precision", "recall", "f1"):
        for average in ("macro", "micro", "weighted"):
            expected = getattr(metrics, f"{name}_score")(truth, predicted, average=average)
            assert found[f"{name}_{average}"].value == pytest.approx(expected, abs=1e-12)


def test_losses_and_ranks_are_exact(rows, sides):
    truth, _, probabilities = sides
    found = measured(rows)

    assert found["log_loss"].value == pytest.approx(metrics.log_loss(truth, probabilities), abs=1e-9)
    one_hot = truth[:, None] == np.array(CLASSES)
    assert found["brier"].value == pytest.approx(((probabilities - one_hot) ** 2).sum(axis=1).mean(), abs=1e-9)
    expected = metrics.top_k_accuracy_score(truth, probabilities, k=2, labels=CLASSES)
    assert found["top_k_accuracy"].value == pytest.approx(expected)


def test_areas_are_within_the_error_of_the_grid(rows, sides):
    truth, _, probabilities = sides
    found = measured(rows)["roc_auc"]

    expected = metrics.roc_auc_score(truth, probabilities, multi_class="ovr", labels=CLASSES)
    assert abs(found.value - expected) <= min(found.error_bound, 1e-4)


def test_ties_of_probabilities_rank_as_in_scikit_learn():
    probabilities = np.repeat([[0.4, 0.4, 0.1, 0.1], [0.25] * 4], 4, axis=0)
    truth = np.array(CLASSES * 2)
    table = pa.table(
        {
            "prediction": pa.nulls(8, pa.string()),
            "probability": pa.FixedSizeListArray.from_arrays(pa.array(probabilities.ravel()), 4),
            "label": truth,
            "excluded": [False] * 8,
        }
    )

    expected = metrics.top_k_accuracy_score(truth, probabilities, k=2, labels=CLASSES)
    assert measured(table)["top_k_accuracy"].value == expected


@pytest.mark.parametrize("metric", ["accuracy", "f1_macro", "recall_weighted", "log_loss", "roc_auc"])
def test_intervals_hold_the_value_of_many_rows(metric):
    true = measured(random_classes(200_000, 99))[metric].value
    held = 0
    for seed in range(100):
        found = measured(random_classes(400, seed))[metric]
        held += found.low <= true <= found.high

    assert held >= 90
