"""P-values of the difference of a metric, exact where the metric is a share."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.statistics.hypergeometric import exact_p_value
from airflow_mlmon.tasks.binary.contrast import compare_outcomes, contrast_outcomes
from airflow_mlmon.tasks.binary.description import Binary
from airflow_mlmon.tasks.binary.outcome import BinaryOutcomes, profile_outcomes
from tests.support.labelled import labelled_table, random_labels


def test_without_takes_a_part_from_its_whole():
    parts = [profile_outcomes(random_labels(rows, rows)) for rows in (50, 80, 200)]

    assert Binary().sum_outcomes(parts) - parts[1] == Binary().sum_outcomes([parts[0], parts[2]])
    assert parts[0] - parts[0] == BinaryOutcomes.empty()


def rows_of(rows: int, right: int) -> BinaryOutcomes:
    """Rows of both classes, of which so many are predicted right."""
    label = [row % 2 == 0 for row in range(rows)]
    prediction = [value == (row < right) for row, value in enumerate(label)]
    score = [0.9 if value else 0.2 for value in prediction]
    return profile_outcomes(labelled_table(score=score, prediction=prediction, label=label))


def test_contrast_of_accuracy():
    found = contrast_outcomes("accuracy", rows_of(100, 70), rows_of(1_000, 900), min_coverage=0.5, minimum_rows=30)

    assert (found.own, found.other) == (0.7, 0.9)
    assert found.difference == pytest.approx(-0.2)
    assert found.low < -0.2 < found.high < 0
    assert found.p_value == exact_p_value(70, 100, 900, 1_000)


def test_an_area_of_one_is_no_proof_by_itself():
    """Its own variance is none; that of both together is not."""
    found = contrast_outcomes("roc_auc", rows_of(60, 60), rows_of(1_000, 995), min_coverage=0.5, minimum_rows=30)

    assert found.own == 1.0
    assert found.p_value > 0.1


@pytest.mark.parametrize(
    ("metric", "rows", "note"),
    [
        pytest.param("accuracy", 29, "the slice has 29 rows to measure accuracy on, fewer than 30", id="rows"),
        pytest.param("recall", 40, "the slice has 20 rows to measure recall on, fewer than 30", id="class"),
        pytest.param("roc_auc", 38, "a side has 19 labels of a class, fewer than 20", id="auc"),
    ],
)
def test_too_few_rows_are_not_tested(metric, rows, note):
    found = contrast_outcomes(metric, rows_of(rows, rows - 5), rows_of(1_000, 900), min_coverage=0.5, minimum_rows=30)

    assert (found.p_value, found.note) == (None, note)
    assert found.own is not None


def test_labels_that_have_not_come_are_waited_for():
    labelled = labelled_table(score=[0.5] * 100, prediction=[True] * 100, label=[True] * 40 + [None] * 60)
    found = contrast_outcomes(
        "accuracy", profile_outcomes(labelled), rows_of(100, 50), min_coverage=0.5, minimum_rows=30
    )

    assert (found.own, found.low, found.p_value) == (None, None, None)
    assert found.note == "the slice: 40 of 100 labels received, fewer than 50%"


def labelled(rows: int, seed: int, skill: float) -> BinaryOutcomes:
    random = np.random.default_rng(seed)
    label = random.random(rows) < 0.4
    score = 1 / (1 + np.exp(-(random.normal(0, 1, rows) + skill * label - 0.5)))
    table = {"score": score, "prediction": score > 0.5, "label": label, "excluded": np.zeros(rows, dtype=bool)}
    return profile_outcomes(pa.table(table))


def test_interval_of_the_auc_covers_the_truth():
    truth = compare_outcomes(labelled(200_000, 1, 1.0), labelled(200_000, 2, 2.0), 0)
    [exact] = [row.after - row.before for row in truth if row.metric == "roc_auc"]
    found = [compare_outcomes(labelled(150, seed, 1.0), labelled(400, seed + 5000, 2.0), 0) for seed in range(400)]
    intervals = [row for rows in found for row in rows if row.metric == "roc_auc"]

    assert 0.92 <= np.mean([row.low <= exact <= row.high for row in intervals]) <= 0.985


def test_better_version_is_apart_and_an_equal_one_is_not():
    better = {row.metric: row for row in compare_outcomes(labelled(3000, 1, 1.0), labelled(3000, 2, 2.0), 0)}
    equal = {row.metric: row for row in compare_outcomes(labelled(3000, 1, 1.0), labelled(3000, 4, 1.0), 0)}

    assert better["accuracy"].is_apart
    assert better["roc_auc"].is_apart
    assert not better["log_loss"].is_apart
    assert better["log_loss"].low is None
    assert not any(row.is_apart for row in equal.values())


def test_version_without_labels_has_no_difference():
    rows = {row.metric: row for row in compare_outcomes(labelled(100, 1, 1.0), BinaryOutcomes.empty(), 0.5)}

    assert rows["accuracy"].before is not None
    assert (rows["accuracy"].after, rows["accuracy"].low) == (None, None)
