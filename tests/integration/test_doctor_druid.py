"""What the doctor says of a Druid, by the answers that a real one gives; the real one is in tests/druid."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_mlmon.doctor.diagnosis import Diagnosis, Health, guarded
from airflow_mlmon.doctor.services import check_druid
from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.druid.retry import Retry
from airflow_mlmon.spec.druid import Druid
from tests.support.druid.scripted import Received, Reply, as_json, serving

TASK = "/druid/indexer/v1/task"
WELL: dict[str, Any] = {
    "version": "33.0.0",
    "capacity": 2,
    "ends": "SUCCESS",
    "nulls": None,
    "ahead": timedelta(),
    "submit": 200,
}


def examine(section: Druid | None = None, **changes: Any) -> list[Diagnosis]:
    druid = WELL | changes

    with serving(lambda request: answer(druid, request)) as server:
        client = DruidClient(server.url, retry=Retry(attempts=1))
        checked = lambda: check_druid(  # noqa: E731 - called once
            "druid",
            client,
            section or Druid(),
            datasource="loans",
            clock=lambda: datetime.now(UTC),
            sleep=lambda _: None,
        )
        return list(guarded("druid", checked))


def answer(druid: Mapping[str, Any], request: Received) -> Reply:
    path = request.path
    if path in {"/status", "/proxy/overlord/status"}:
        return as_json({"version": druid["version"], "modules": [{"name": "x", "artifact": "druid-datasketches"}]})
    if path == "/druid/indexer/v1/workers":
        return as_json([{"worker": {"host": "w:8091", "capacity": druid["capacity"]}, "currCapacityUsed": 1}])
    if path == "/druid/v2/sql":
        moment = (datetime.now(UTC) + druid["ahead"]).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        return as_json([{"moment": moment, "n": druid["nulls"]}])
    if path == TASK:
        task = json.loads(request.body)
        assert (task["type"], task["dataSource"]) == ("noop", "loans")
        return Reply(status=druid["submit"], body=json.dumps({"task": task["id"]}).encode())
    status = {"id": path.split("/")[-2], "statusCode": druid["ends"], "errorMsg": "no room\nat …"}
    return as_json({"task": "x", "status": status})


def test_druid_that_is_well_has_run_a_task():
    [found] = examine()

    assert found.health is Health.OK
    assert "Druid 33.0.0 at http://127.0.0.1" in found.said
    assert "1 of 2 task slots in use; a task that does nothing was taken and run" in found.said


@pytest.mark.parametrize(
    ("changes", "health", "said"),
    [
        ({"version": "24.0.1"}, Health.WARNING, "24.0.1 is not among those"),
        ({"version": "40.0.0"}, Health.WARNING, "40.0.0 is not among those"),
        ({"nulls": 0}, Health.WARNING, "default-value mode"),
        ({"capacity": 0}, Health.FAILURE, "0 task slots, where a load takes 1"),
        ({"ends": "FAILED"}, Health.FAILURE, "a task that does nothing failed: no room"),
        ({"ends": "RUNNING"}, Health.WARNING, "had not ended after 30 s"),
        ({"submit": 403}, Health.FAILURE, "answered 403"),
        ({"ahead": timedelta(minutes=5)}, Health.WARNING, "5 minutes ahead of"),
        ({"ahead": timedelta(hours=-2)}, Health.FAILURE, "2 h 0 min behind"),
    ],
)
def test_what_is_wrong_with_druid_is_named(changes, health, said):
    found = [one for one in examine(**changes) if one.health is not Health.OK]

    assert [(one.health, said in one.said, bool(one.hint)) for one in found] == [(health, True, True)]


def test_druid_that_lacks_an_extension_or_slots_is_named():
    [lacking] = examine(Druid(format="parquet"))
    [busy] = examine(Druid(workers=4))

    assert "has no druid-parquet-extensions" in lacking.said
    assert "2 task slots, where a load takes 5" in busy.said
