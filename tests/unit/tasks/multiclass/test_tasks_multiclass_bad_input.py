"""Rows of which a classifier of several classes cannot be measured, and the reason that is given."""

from __future__ import annotations

import pyarrow as pa
import pytest

from airflow_mlmon.errors import ConfigError, SchemaMismatchError
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.tasks.multiclass.description import Multiclass
from tests.support.labelled import CLASSES, random_classes

TASK = Multiclass(CLASSES)
SCHEMA = TASK.pin_outcomes({}, random_classes(2_000, 1))


def joined(**columns) -> pa.Table:
    rows = len(columns["label"])
    made = {
        "prediction": pa.array(columns.get("prediction", ["cat"] * rows), pa.string()),
        "probability": pa.array(columns.get("probability", [None] * rows), pa.list_(pa.float64(), 4)),
        "label": pa.array(columns["label"], pa.string()),
        "excluded": [False] * rows,
    }
    return pa.table(made)


def measured(**columns):
    return {value.metric: value for value in TASK.measure(TASK.profile_outcomes(joined(**columns), SCHEMA), 0.0)}


def test_a_class_never_seen_is_wrong_and_is_counted_as_one():
    found = measured(label=["cat", "yak", "gnu", "cat"], prediction=["cat", "yak", "cat", "dog"])

    assert found["accuracy"].value == 0.25, "a class that is not pinned is no hit, even if it was predicted"
    assert found["recall_macro"].value == pytest.approx((0.5 + 0 + 0) / 3)


def test_probabilities_that_do_not_add_up_are_counted_and_withhold_the_metrics():
    found = measured(label=["cat", "dog"], probability=[[0.7, 0.1, 0.1, 0.1], [0.7, 0.7, 0.1, 0.1]])

    for metric in ("log_loss", "brier", "roc_auc", "ece", "top_k_accuracy"):
        assert (found[metric].value, found[metric].reason) == (
            None,
            "the probabilities of 1 rows do not add up to 1 within 0.001",
        )
    assert found["accuracy"].value == 0.5


def test_tolerance_and_cutoff_are_those_of_the_spec():
    task = Multiclass(CLASSES, tolerance=0.05, cutoff=3)
    schema = task.pin_outcomes({}, random_classes(2_000, 1))
    rows = joined(label=["owl", "cat"], probability=[[0.4, 0.3, 0.2, 0.12], [0.4, 0.3, 0.2, 0.1]])
    found = {value.metric: value for value in task.measure(task.profile_outcomes(rows, schema), 0.0)}

    assert task.settings == {"tolerance": 0.05, "cutoff": 3}
    assert (found["top_k_accuracy"].value, found["top_k_accuracy"].rows) == (0.5, 2)
    assert measured(label=["cat"], probability=[[0.42, 0.3, 0.2, 0.1]])["log_loss"].value is None


def test_missing_probabilities_are_no_probabilities():
    found = measured(label=["cat", "dog"], probability=[[0.7, 0.1, 0.1, 0.1], None])

    assert (found["log_loss"].rows, found["accuracy"].rows) == (1, 2)


def test_constant_predictions_are_measured_and_a_class_without_predictions_has_no_precision():
    rows = joined(label=["cat", "dog", "cat"])
    outcomes = TASK.profile_outcomes(rows, SCHEMA)
    found = {value.metric: value for value in TASK.measure(outcomes, 0.0)}
    each, _ = TASK.tables(outcomes, None)

    assert found["accuracy"].value == pytest.approx(2 / 3)
    assert found["precision_macro"].value == pytest.approx(1 / 3)
    by_class = {row[0]: row for row in each.rows}
    assert by_class["dog"][1:4] == (1, None, 0.0)
    assert by_class["owl"][1:5] == (0, None, None, None)


def test_rare_classes_are_one_in_the_matrix_and_said():
    many = tuple(f"c{number:02}" for number in range(60))
    task, rows = Multiclass(many), joined(label=["c00", "c59", "yak"], prediction=["c00", "c58", "c01"])
    each, confusion = task.tables(task.profile_outcomes(rows, task.pin_outcomes({}, None)), None)

    assert "10 rarer classes are left out" in each.note
    assert len(confusion.rows) == 21
    assert confusion.rows[-1][0] == "other"
    assert confusion.rows[-1][2] == confusion.rows[-1][-1] == 1


def test_one_class_only_has_no_area():
    found = measured(label=["cat"] * 3, probability=[[0.7, 0.1, 0.1, 0.1]] * 3)

    assert (found["roc_auc"].value, found["roc_auc"].reason) == (None, "all labels are of one class")
    assert found["accuracy"].value == 1


def test_without_a_predicted_class_the_most_probable_one_counts():
    found = measured(label=["dog"], prediction=[None], probability=[[0.1, 0.7, 0.1, 0.1]])

    assert found["accuracy"].value == 1


def test_more_classes_than_curves_are_kept_of_are_said():
    many = tuple(f"c{number:02}" for number in range(60))
    task = Multiclass(many)
    table = pa.table(
        {
            "prediction": ["c00", "c01"],
            "probability": pa.array([[1 / 60] * 60] * 2, pa.list_(pa.float64(), 60)),
            "label": ["c00", "c05"],
            "excluded": [False, False],
        }
    )
    schema = task.pin_outcomes({}, table)
    found = {value.metric: value for value in task.measure(task.profile_outcomes(table, schema), 0)}

    assert found["roc_auc"].reason == "60 classes: curves are kept of at most 50"
    assert found["log_loss"].value == pytest.approx(4.0943, abs=1e-4)


def test_labels_of_another_type_are_named():
    table = joined(label=["cat"]).set_column(2, "label", pa.array([1.5]))

    with pytest.raises(SchemaMismatchError, match="'label' of the joined labels is of type double"):
        TASK.profile_outcomes(table, SCHEMA)


SPEC = """
model: animals
start: 2026-01-01
{classes}
predictions:
  path: /archive/{{date}}/
  columns:
    id: {{type: string, role: id}}
    at: {{type: timestamp, role: time}}
    kind: {{type: category, role: prediction}}
    "p_{{class}}": {{type: float, role: probability}}
reference: {{path: /reference/}}
"""


def test_probabilities_are_one_column_for_each_class():
    spec = parse_spec(SPEC.format(classes="classes: [cat, dog]"), "animals.yaml")

    assert (spec.task, spec.outputs) == ("multiclass", ("kind", "p_cat", "p_dog"))


def test_probabilities_without_classes_are_a_mistake_with_its_line():
    with pytest.raises(ConfigError, match=r"animals.yaml:11: predictions.columns.p_\{class\}: probabilities need"):
        parse_spec(SPEC.format(classes=""), "animals.yaml")
