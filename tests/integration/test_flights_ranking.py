"""The example of a ranking runs its days."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from airflow_mlmon.loading import parse_spec
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import Status
from airflow_mlmon.storage import Storage
from airflow_mlmon.store.metric_store import MetricStore
from include.demo.flights import read_flights, serve
from include.demo.ranking import ranking_objects
from tests.support.nightly_model import evaluate_day
from tests.support.runs import write_file

SPEC = Path(__file__).parents[2] / "include" / "models" / "flights_ranking.yaml"
DAYS = [date(2013, 3, 7) + timedelta(days=offset) for offset in range(3)]


def test_the_flights_of_a_route_are_ranked_by_being_on_time(tmp_path):
    for key, content in ranking_objects(serve(read_flights(DAYS[0], DAYS[-1])), DAYS[-1]):
        write_file(f"{tmp_path}/archive/{key}", content)
    text = SPEC.read_text().replace("s3://mlmon-demo", f"{tmp_path}/archive")
    with MetricStore(f"sqlite:///{tmp_path / 'store.db'}") as store:
        run = Run(
            spec=parse_spec(text, SPEC.name), store=store, storage=Storage(), workspace=str(tmp_path / "workspace")
        )
        for day in DAYS:
            evaluate_day(run, Partition.of_day("flights_ranking", day))
        states = [store.state(Partition.of_day("flights_ranking", day)) for day in DAYS]
        found = store.measured("flights_ranking", DAYS[0], DAYS[0])

    assert [state.status for state in states if state] == [Status.OK] * len(DAYS)
    ndcg = found[DAYS[0], "ndcg_at_k"]
    assert ndcg.rows > 50
    assert ndcg.low == pytest.approx(ndcg.value, abs=0.1)
    assert found[DAYS[0], "group_auc"].value > 0.5 == found[DAYS[0], "group_auc"].constant
    assert found[DAYS[0], "groups_of_one"].value > 10
