"""What a classifier of two classes says beside its headline, and by what keys of a spec."""

from __future__ import annotations

import math

import numpy as np
import pytest

from airflow_mlmon.errors import ConfigError, ProfileSchemaMismatchError
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.engine.pinning import pin_schema
from airflow_mlmon.spec.worth import Worth
from airflow_mlmon.tasks.binary.description import Binary, Thresholded
from airflow_mlmon.tasks.binary.metrics import measure_outcomes
from airflow_mlmon.tasks.binary.outcome import BinaryOutcomes, profile_outcomes
from airflow_mlmon.tasks.registry import is_evaluated, task_of
from tests.support.labelled import labelled_table, random_labels

SPEC = """\
model: loans
start: 2026-01-01
predictions:
  path: /archive/dt={date}/
  columns:
    id: {type: string, role: id}
    at: {type: timestamp, role: time}
    score: {type: float, role: score}
labels: {path: "/labels/dt={date}/", id: id, label: outcome, delay_days: 1}
reference: {path: /reference/, label: outcome}
"""
PREDICTED = "    lost: {type: boolean, role: prediction}\n"
WORTH = Worth(true_positive=100, false_positive=-10, false_negative=-50, true_negative=1)


def measured(worth=None, **columns):
    return {value.metric: value for value in measure_outcomes(profile_outcomes(labelled_table(**columns)), 0.0, worth)}


def mistake(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_spec(text, "loans.yaml")
    return str(caught.value)


def with_prediction(text: str = SPEC) -> str:
    return text.replace("labels:", f"{PREDICTED}labels:")


@pytest.mark.parametrize(
    ("prediction", "label", "reasons"),
    [
        pytest.param(
            [True, False, True],
            [True, True, True],
            {
                "specificity": "no label is negative",
                "fpr": "no label is negative",
                "balanced_accuracy": "all labels are of one class",
                "matthews": "all labels are of one class",
                "ks": "all labels are of one class",
                "gini": "all labels are of one class",
            },
            id="one-class",
        ),
        pytest.param(
            [False, False, False],
            [False, False, False],
            {
                "fnr": "no label is positive",
                "average_precision": "no label is positive",
                "lift_top_5": "no label is positive",
            },
            id="no-positives",
        ),
        pytest.param(
            [True, True, True],
            [True, False, True],
            {"matthews": "all predictions are of one class"},
            id="constant-predictions",
        ),
        pytest.param(
            [None, None, None],
            [True, False, True],
            dict.fromkeys(
                ("balanced_accuracy", "fpr", "matthews", "business_value"),
                "no row has both a label and a predicted class",
            ),
            id="no-class",
        ),
    ],
)
def test_metric_that_does_not_exist_is_none_with_its_reason(prediction, label, reasons):
    values = measured(worth=WORTH, score=[0.2, 0.6, 0.7], prediction=prediction, label=label)

    for name, reason in reasons.items():
        assert (values[name].value, values[name].low, values[name].reason) == (None, None, reason)
    assert all(value.value is None or math.isfinite(value.value) for value in values.values())


def test_constant_score_orders_nothing():
    values = measured(score=[0.5] * 40, prediction=[True] * 40, label=[True, False] * 20)

    found = {name: values[name].value for name in ("average_precision", "ks", "gini", "lift_top_5", "ece")}
    assert found == pytest.approx(
        {"average_precision": 0.5, "ks": 0.0, "gini": 0.0, "lift_top_5": 1.0, "ece": 0.0}, abs=2e-3
    )


def test_scores_outside_0_to_1_have_no_calibration():
    values = measured(score=[1.5, 0.2], prediction=[True, False], label=[True, False])

    assert (values["ece"].value, values["ece"].reason) == (None, "1 scores are outside 0 to 1")
    assert values["average_precision"].value == 1.0


def test_business_value_is_the_mean_worth_of_the_cells():
    values = measured(
        worth=WORTH,
        score=[0.9, 0.8, 0.3, 0.2, 0.1],
        prediction=[True, True, False, False, False],
        label=[True, False, True, False, None],
    )

    found = values["business_value"]
    assert (found.value, found.rows) == ((100 - 10 - 50 + 1) / 4, 4)
    assert found.low < found.value < found.high
    assert "business_value" not in measured(score=[0.5], prediction=[True], label=[True])


def test_constant_of_the_business_value_is_the_class_that_is_worth_more():
    reference = profile_outcomes(random_labels(500, seed=1))
    outcomes = profile_outcomes(random_labels(400, seed=2))
    share = (outcomes.true_positive + outcomes.false_negative) / outcomes.classified

    scores = Binary(worth=WORTH).constant_scores(outcomes, reference)

    assert scores["business_value"] == pytest.approx(share * 100 - (1 - share) * 10)


def test_new_metrics_are_evaluated_only_where_the_spec_asks():
    spec = parse_spec(with_prediction(), "loans.yaml")
    asking = parse_spec(f"{with_prediction()}alerts: {{evaluation: {{metrics: [ks]}}}}\n", "loans.yaml")

    assert not any(is_evaluated(spec, name) for name in ("ks", "matthews", "ece", "fpr", "lift_top_5"))
    assert (is_evaluated(asking, "ks"), is_evaluated(asking, "matthews")) == (True, False)


def test_threshold_makes_the_class_where_none_is_archived():
    task = task_of(parse_spec(f"{SPEC}threshold: 0.3\n", "loans.yaml"))
    rows = labelled_table(score=[0.3, 0.29, None, 0.9], prediction=[None] * 4, label=[True, True, True, False])

    found = task.profile_outcomes(rows, task.pin_outcomes({}, None))

    cells = (found.true_positive, found.false_positive, found.false_negative, found.true_negative)
    assert cells == (1, 1, 1, 0)
    assert (found.scores.positive.rows, found.scores.negative.rows, found.scores.unclassified.rows) == (2, 1, 0)
    assert task.settings == {"threshold": 0.3}
    assert found.schema == task.pin_outcomes({}, None) != Binary().pin_outcomes({}, None)
    assert isinstance(task, Thresholded)
    assert (task.counting, Binary().counting is None) == (None, False)


def test_outcomes_of_two_thresholds_do_not_add_up():
    rows = labelled_table(score=[0.3, 0.6], prediction=[None] * 2, label=[True, False])
    low, high = (profile_outcomes(rows, threshold) for threshold in (0.2, 0.5))

    assert BinaryOutcomes.from_bytes(low.to_bytes()) == low
    assert (low + BinaryOutcomes.empty(), BinaryOutcomes.empty() + low) == (low, low)
    assert (low + low).threshold == (low - low).threshold == 0.2
    with pytest.raises(ProfileSchemaMismatchError, match=r"thresholds 0\.2 and 0\.5"):
        low + high


@pytest.mark.parametrize("digits", [None, 2])
def test_share_of_predicted_positives_follows_from_the_threshold(digits):
    spec = parse_spec(f"{SPEC}threshold: 0.3\n", "loans.yaml")
    scores = random_labels(3_000, seed=3).column("score").to_numpy()
    scores = scores[~np.isnan(scores)].round(digits) if digits else scores[~np.isnan(scores)]
    rows = labelled_table(score=scores.tolist(), prediction=[None] * len(scores)).select(["score"])
    profile = profile_table(rows, pin_schema(spec, rows))

    [_, found] = task_of(spec).summarise_outputs(profile, spec)

    assert found.metric == "predicted_positive_rate"
    assert abs(found.value - np.mean(scores >= 0.3)) <= (found.error_bound or 0.0) + 1e-12
    assert (found.error_bound is None) is (digits == 2)
    assert found.low < found.value < found.high


def test_classes_are_read_by_two_texts_of_the_spec():
    spec = parse_spec(f"{with_prediction()}classes: [paid, lost]\n", "loans.yaml")

    assert spec.task == "binary"
    assert spec.columns["lost"].classes == ("paid", "lost")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"{SPEC}classes: [a, b, c]\n", "classes: a binary model has two classes, negative and positive, not 3"),
        (f"{with_prediction()}threshold: 0.5\n", "threshold: the predicted class is archived"),
        (
            SPEC.replace("score}", "feature}") + "task: binary\nthreshold: 0.5\n",
            "threshold: there is no column of role",
        ),
        (f"{SPEC}value: {{true_positive: 5}}\n", "value: no class is predicted"),
        (f"{with_prediction()}value: {{true_positve: 5}}\n", "did you mean true_positive?"),
    ],
)
def test_keys_that_do_not_fit_are_refused(text, told):
    assert told in mistake(text)


def test_tables_are_the_confusion_matrix_and_the_reliability():
    outcomes = profile_outcomes(random_labels(2_000, seed=4))

    matrix, reliability = Binary().tables(outcomes, outcomes)

    assert matrix.rows == (
        ("negative", outcomes.true_negative, outcomes.false_positive),
        ("positive", outcomes.false_negative, outcomes.true_positive),
    )
    assert sum(row[1] for row in reliability.rows) == outcomes.scored
    assert all(row[4] <= row[3] == row[6] <= row[5] for row in reliability.rows)
    assert sum(row[1] * row[3] for row in reliability.rows) == pytest.approx(outcomes.positive_cells.rows)
    assert Binary().tables(BinaryOutcomes.empty(), None) == ()
