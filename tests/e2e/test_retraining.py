"""The closed loop on the flights: drift, training, MLflow, a person's answer, a canary, promotion or a way back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests.support.retrained import MODEL, RetrainedModel, day_of, retrained_model

pytestmark = pytest.mark.service

SERVED, CANARY, PROMOTED, MISLABELLED, WORSE, AFTER = (1, 2, 3), 4, 5, 6, 7, 8


class Retraining(NamedTuple):
    """What a run of the DAG asked and did."""

    run_id: str
    questions: list[str]
    tasks: dict[str, str]
    comparison: dict[str, Any]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RetrainedModel]:
    with retrained_model(tmp_path_factory.mktemp("loop")) as model:
        yield model


@pytest.fixture(scope="module")
def promoted(model: RetrainedModel) -> Retraining:
    """Days of a drifted model, and the retraining that their drift began, which people approve twice."""
    verdicts = [model.live(number) for number in SERVED]
    model.announce({**verdicts[0], "partition": str(day_of(SERVED[-1]))})
    questions = [model.answer("ask_canary", "Approve")]
    model.await_shares("1", "2")
    model.live(CANARY)
    questions.append(model.answer("ask_promotion", "Approve"))
    [run_id] = model.runs()
    return Retraining(run_id, questions, model.ended(run_id), model.returned(run_id, "await_labels"))


@pytest.fixture(scope="module")
def rolled_back(model: RetrainedModel, promoted: Retraining) -> Retraining:
    """Days whose labels are wrong, a retraining on them that somebody starts and approves, and its end by the rule."""
    model.live(PROMOTED, are_labels_wrong=True)
    model.live(MISLABELLED, are_labels_wrong=True)
    model.airflow.start_run("flights_served_retrain", "by-hand", conf={"days": 2})
    questions = [model.answer("ask_canary", "Approve")]
    model.await_shares("2", "3")
    model.live(WORSE)
    return Retraining("by-hand", questions, model.ended("by-hand"), model.returned("by-hand", "await_labels"))


def test_drifted_model_is_replaced_by_a_version_that_people_approved(model: RetrainedModel, promoted: Retraining):
    before, after = promoted.questions

    assert {task: state for task, state in promoted.tasks.items() if state != "success"} == {"roll_back": "skipped"}
    assert "drift of hour above its limit" in before
    assert "| roc\\_auc | 0.5476 | 0.6328 | +0.0852 (+0.0257 to +0.1447) |" in before
    assert "Version 2 beside version 1 on 2013-03-04: 401 and 576 rows. By roc_auc it is better." in after
    tags = model.tags("2")
    assert tags["training_days"] == "2013-03-01 to 2013-03-02"
    assert (tags["decision"], tags["decided_by"], tags["canary_by"]) == ("promoted", "admin", "admin")
    assert tags["why"] == "roc_auc 0.4676 to 0.6096, +0.1421 (+0.0357 to +0.2484), on 2013-03-04"


def test_canary_is_archived_and_compared_by_its_version(model: RetrainedModel, promoted: Retraining):
    found = promoted.comparison

    assert Counter(model.archived("predictions", CANARY)["model_version"].to_pylist()) == {"1": 576, "2": 401}
    assert (found["champion"], found["version"], found["rows"]) == ("1", "2", [576, 401])


def test_next_day_is_served_by_the_new_version_and_compared_with_its_training_set(
    model: RetrainedModel, rolled_back: Retraining
):
    with model.opened() as run:
        drift = {
            number: run.store.metrics(MODEL, day_of(number), day_of(number))[day_of(number), "drift_score", "hour"]
            for number in (CANARY, PROMOTED)
        }
        facts = {number: run.store.compared_with(run.partition(day_of(number))) for number in (CANARY, PROMOTED)}

    assert set(model.archived("predictions", PROMOTED)["model_version"].to_pylist()) == {"2"}
    assert {number: {one.title for one in found} for number, found in facts.items()} == {
        CANARY: {"the reference (models:/flights/1: training.parquet)"},
        PROMOTED: {"the reference (models:/flights/2: training.parquet)"},
    }
    assert drift[CANARY] > 0.25 > drift[PROMOTED]


def test_worse_version_is_rolled_back_by_the_rule(model: RetrainedModel, rolled_back: Retraining):
    [question] = rolled_back.questions
    found = rolled_back.comparison

    assert rolled_back.tasks["ask_promotion"] == rolled_back.tasks["promote"] == "skipped"
    assert rolled_back.tasks["roll_back"] == "success"
    # on wrong labels it looked better
    assert "started by hand" in question
    assert found["outcome"] == "worse"
    tags = model.tags("3")
    assert (tags["decision"], tags["decided_by"], tags["canary_share"]) == ("rolled back", "the rule", "0")
    assert tags["why"].startswith("roc_auc ")
    assert model.aliases() == {"champion": "2"}
    assert model.shares() == {"2": 1.0}


def test_a_task_that_is_repeated_registers_nothing_twice(model: RetrainedModel, rolled_back: Retraining):
    model.repeat("by-hand", "train", "register")

    assert model.returned("by-hand", "register")["version"] == "3"
    assert model.versions() == {"1", "2", "3"}
    assert model.aliases() == {"champion": "2"}
