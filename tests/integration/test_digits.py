"""The example of a classifier of several classes runs its days."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sklearn.metrics import accuracy_score, f1_score, log_loss

from airflow_mlmon.loading import parse_spec
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import Status
from airflow_mlmon.storage import Storage
from airflow_mlmon.store.metric_store import MetricStore
from include.demo.digits import DAYS, FIRST, PER_DAY, digit_objects, predict_digits
from tests.support.nightly_model import evaluate_day
from tests.support.runs import write_file

SPEC = Path(__file__).parents[2] / "include" / "models" / "digits.yaml"
RUN = [FIRST + timedelta(days=offset) for offset in range(4)]


def test_handwritten_digits_are_recognised_better_than_by_a_constant(tmp_path):
    for key, content in digit_objects():
        write_file(f"{tmp_path}/archive/{key}", content)
    text = SPEC.read_text().replace("s3://mlmon-demo", f"{tmp_path}/archive")
    with MetricStore(f"sqlite:///{tmp_path / 'store.db'}") as store:
        run = Run(
            spec=parse_spec(text, SPEC.name), store=store, storage=Storage(), workspace=str(tmp_path / "workspace")
        )
        for day in RUN:
            evaluate_day(run, Partition.of_day("digits", day))
        states = [store.state(Partition.of_day("digits", day)) for day in RUN]
        found = {name: value for (_, name), value in store.measured("digits", RUN[0], RUN[0]).items()}

    assert run.spec.task == "multiclass"
    assert [state.status for state in states if state] == [Status.OK] * len(RUN)
    reference, archive = predict_digits()
    rows = archive[archive["date"].dt.date == RUN[0]]
    truth, predicted = rows["digit"], rows["predicted"]
    assert (len(rows), len(archive)) == (PER_DAY, DAYS * PER_DAY)
    assert found["label_coverage"].value == 1
    assert found["accuracy"].value == accuracy_score(truth, predicted)
    assert found["f1_macro"].value == pytest.approx(f1_score(truth, predicted, average="macro"))
    # six digits do not add up to 1 exactly
    probabilities = rows[[f"proba_{digit}" for digit in range(10)]].pipe(
        lambda each: each.div(each.sum(axis=1), axis=0)
    )
    assert found["log_loss"].value == pytest.approx(log_loss(truth, probabilities), abs=1e-4)
    majority = reference["digit"].mode()
    assert any(found["accuracy"].constant == pytest.approx((truth == digit).mean()) for digit in majority)
    assert found["accuracy"].value > 0.8
    assert found["accuracy"].constant < 0.2
