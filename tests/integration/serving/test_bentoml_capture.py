"""The capture library inside a Bento service: workers on one archive, which the spec alone reads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest
import requests

from airflow_mlmon.capture.marks import METADATA_KEY, read_marks
from airflow_mlmon.records import Status
from tests.support.bento import bento_server
from tests.support.recipes import RECIPES, Recipe, noon_zone

pytestmark = pytest.mark.service

ZONE = noon_zone()
DAY = datetime.now(ZoneInfo(ZONE)).date()
TRACE = "00-{:032x}-00f067aa0ba902b7-01"
COUNTRIES = {"DE": -1.0, "FR": 0.5, "IT": 0.0}


def processes_of(answers):
    """The processes that made up the ids of answers."""
    return {answer["id"].partition("-")[0] for answer in answers}


def test_rows_of_all_workers_are_the_day(tmp_path):
    recipe = Recipe("bentoml_capture", tmp_path, ("start: 2026-03-01", f"day_zone: {ZONE}\nstart: {DAY}"))
    service = tmp_path / "service"
    service.mkdir()
    (service / "service.py").write_bytes((RECIPES / "bentoml_capture" / "service.py").read_bytes())
    (service / "model.yaml").write_text(recipe.spec_text)

    with bento_server(service, tmp_path / "server.txt", {"TZ": ZONE}) as url:

        def ask(number):
            payment = {"amount": 2.0 * number, "country": list(COUNTRIES)[number % 3]}
            headers = {"traceparent": TRACE.format(number)}
            answer = requests.post(f"{url}/predict", json=payment, headers=headers, timeout=30)
            assert answer.status_code == 200, answer.text
            return payment | answer.json() | headers

        asked = []
        with ThreadPoolExecutor(8) as threads:
            # whichever worker is free takes a connection
            while len(asked) < 60 or (len(processes_of(asked)) < 2 and len(asked) < 3_000):
                asked += threads.map(ask, range(len(asked) + 1, len(asked) + 61))
        assert requests.post(f"{url}/predict", json={"amount": "much"}, timeout=30).status_code == 400
    state, rows = recipe.read_day(DAY)

    assert (state.status, state.rows_accepted) == (Status.OK, len(asked))
    processes = processes_of(asked)
    found = {row["prediction_id"]: row for row in rows}
    for answer in asked:
        row = found[answer.pop("id")]
        assert {name: row[name] for name in answer} == answer
        assert row["shap_amount"] == pytest.approx(0.02 * (answer["amount"] - 50))
        assert row["shap_country"] == COUNTRIES[answer["country"]]
        assert row["model_version"] == "v7"
    files = [read_marks(pq.read_metadata(file).metadata[METADATA_KEY]) for file in recipe.root.rglob("dt=*/*.parquet")]
    assert {marks.process for marks in files} == processes
    assert len(processes) == 2
