from __future__ import annotations

import math

import pytest

from airflow_mlmon.tasks.binary.description import Binary
from airflow_mlmon.tasks.binary.metrics import measure_outcomes, roc_auc
from airflow_mlmon.tasks.binary.outcome import BinaryOutcomes, profile_outcomes
from tests.support.labelled import labelled_table, random_labels


def measured(min_coverage=0.0, **columns):
    return {
        value.metric: value for value in measure_outcomes(profile_outcomes(labelled_table(**columns)), min_coverage)
    }


def test_every_metric_that_needs_labels_is_measured_once():
    values = measure_outcomes(profile_outcomes(random_labels(500, seed=1)), 0.5)

    assert [value.metric for value in values] == list(Binary().label_metrics)
    assert all(value.value is not None for value in values)


def test_shares_are_those_of_the_rows_that_get_a_label():
    values = measured(
        score=[0.5] * 5,
        prediction=[True] * 5,
        label=[True, False, True, None, None],
        excluded=[False, False, False, False, True],
    )

    shares = {name: values[name].value for name in ("label_coverage", "excluded_share", "positive_rate")}
    assert shares == {"label_coverage": 0.75, "excluded_share": 1 / 4, "positive_rate": 2 / 3}


def test_metrics_follow_from_the_confusion_matrix():
    table = labelled_table(
        score=[0.9, 0.8, 0.7, 0.2, 0.1],
        prediction=[True, True, True, False, False],
        label=[True, True, False, True, False],
    )

    profile = profile_outcomes(table)
    values = {value.metric: value for value in measure_outcomes(profile, 0.0)}

    found = {name: values[name].value for name in ("accuracy", "precision", "recall", "f1")}
    assert found == pytest.approx({"accuracy": 0.6, "precision": 2 / 3, "recall": 2 / 3, "f1": 2 / 3})
    matrix = (profile.true_positive, profile.false_positive, profile.false_negative, profile.true_negative)
    assert matrix == (2, 1, 1, 1)


def test_excluded_share_waits_until_enough_outcomes_are_known():
    few = measured(
        score=[0.5] * 5, prediction=[True] * 5, label=[None] * 5, excluded=[True] + [False] * 4, min_coverage=0.5
    )

    assert few["excluded_share"].value is None
    assert few["excluded_share"].reason == "the outcome of 1 of 5 rows is known, fewer than 50%"


def test_excluded_share_of_rows_without_any_label_row_is_no_zero():
    none = measured(score=[0.5], prediction=[True], label=[None], min_coverage=0.0)

    assert none["excluded_share"].value is None


def test_nothing_is_measured_of_no_rows():
    values = measure_outcomes(BinaryOutcomes.empty(), 0.5)

    assert {value.value for value in values} == {None}
    assert all(value.reason for value in values)


def test_performance_is_not_measured_below_the_share_of_labels():
    values = measured(score=[0.5, 0.5], prediction=[True, True], label=[True, None], min_coverage=0.8)

    assert {name for name, value in values.items() if value.value is not None} == {"label_coverage"}
    assert values["roc_auc"].reason == "1 of 2 labels received, fewer than 80%"


@pytest.mark.parametrize(
    ("metric", "prediction", "label", "reason"),
    [
        ("roc_auc", [True, False], [True, True], "all labels are of one class"),
        ("precision", [False, False], [True, False], "no row was predicted positive"),
        ("recall", [True, False], [False, False], "no label is positive"),
        ("f1", [False, False], [False, False], "no label or prediction is positive"),
        ("accuracy", [None, None], [True, False], "no row has both a label and a predicted class"),
        ("positive_rate", [True, True], [None, None], "no labels"),
    ],
)
def test_metric_that_does_not_exist_is_none_with_the_reason(metric, prediction, label, reason):
    value = measured(score=[0.6, 0.4], prediction=prediction, label=label)[metric]

    assert (value.value, value.reason) == (None, reason)


def test_metrics_of_the_score_need_a_score():
    values = measured(score=[None], prediction=[True], label=[True])

    reasons = {values[name].reason for name in ("roc_auc", "log_loss", "brier")}
    assert reasons == {"no row has both a label and a score"}


def test_log_loss_of_scores_that_are_no_probabilities_is_none():
    values = measured(score=[-3.0, 2.5], prediction=[False, True], label=[False, True])

    assert values["log_loss"].reason == "2 scores are outside 0 to 1"
    assert (values["log_loss"].value, values["brier"].value, values["roc_auc"].value) == (None, None, 1.0)


def test_log_loss_of_a_certain_mistake_is_finite():
    value = measured(score=[1.0], prediction=[True], label=[False])["log_loss"].value

    assert value == pytest.approx(-math.log(2.0**-52), abs=1e-11)


def test_roc_auc_counts_scores_that_share_a_cell_half():
    profile = profile_outcomes(labelled_table(score=[0.25, 0.2501], prediction=[None] * 2, label=[False, True]))

    assert roc_auc(profile) == (0.5, 0.5)
