"""The example of a regression runs its days."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from sklearn.metrics import mean_absolute_error, r2_score

from airflow_mlmon.loading import parse_spec
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import Status
from airflow_mlmon.storage import Storage
from airflow_mlmon.store.metric_store import MetricStore
from include.demo.delay import delay_objects, predict_delays
from include.demo.flights import read_flights, serve
from tests.support.nightly_model import evaluate_day
from tests.support.runs import write_file

SPEC = Path(__file__).parents[2] / "include" / "models" / "flights_delay.yaml"
DAYS = [date(2013, 3, 7) + timedelta(days=offset) for offset in range(4)]


def test_the_delay_of_flights_is_predicted_better_than_by_a_constant(tmp_path):
    served = serve(read_flights(DAYS[0], DAYS[-1]))
    for key, content in delay_objects(served, DAYS[-1]):
        write_file(f"{tmp_path}/archive/{key}", content)
    text = SPEC.read_text().replace("s3://mlmon-demo", f"{tmp_path}/archive")
    with MetricStore(f"sqlite:///{tmp_path / 'store.db'}") as store:
        run = Run(
            spec=parse_spec(text, SPEC.name), store=store, storage=Storage(), workspace=str(tmp_path / "workspace")
        )
        for day in DAYS:
            evaluate_day(run, Partition.of_day("flights_delay", day))
        states = [store.state(Partition.of_day("flights_delay", day)) for day in DAYS]
        found = {name: value for (_, name), value in store.measured("flights_delay", DAYS[0], DAYS[0]).items()}

    assert [state.status for state in states if state] == [Status.OK] * len(DAYS)
    _, archive = predict_delays(served)
    flown = archive[(archive["date"].dt.date == DAYS[0])].dropna(subset=["arr_delay"])
    assert found["label_coverage"].value == 1
    assert found["mae"].value == pytest.approx(mean_absolute_error(flown["arr_delay"], flown["predicted_delay"]))
    assert found["r2"].value == pytest.approx(r2_score(flown["arr_delay"], flown["predicted_delay"]))
    assert found["r2"].value > found["r2"].constant
    # a label of 0 minutes has no percentage, and one of -1 or less no logarithm
    assert (found["mape"].value, found["rmsle"].value) == (None, None)
    assert 0.7 < found["interval_coverage"].value < 1
