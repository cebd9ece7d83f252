from __future__ import annotations

import asyncio
import importlib
import json
import time

import pytest

from airflow_mlmon.triggers.druid import DruidTasksTrigger
from tests.support.druid.fake import FakeDruid, running
from tests.support.druid.scripted import Reply


@pytest.fixture
def connect(monkeypatch):
    def _connect(druid):
        value = json.dumps({"conn_type": "mlmon_druid", "host": druid.server.url})
        monkeypatch.setenv("AIRFLOW_CONN_MLMON_DRUID_DEFAULT", value)

    return _connect


def trigger(*task_ids, seconds=30.0):
    return DruidTasksTrigger(
        conn_id="mlmon_druid_default", task_ids=task_ids, deadline=time.time() + seconds, state={"seen": 1}, poll_s=0.01
    )


async def first_event(waiting):
    return (await anext(waiting.run())).payload


def test_it_fires_when_the_last_task_has_ended(connect):
    with running(FakeDruid(tasks={"a": "SUCCESS", "b": "RUNNING"})) as druid:
        connect(druid)

        async def end_the_last():
            waiting = asyncio.ensure_future(first_event(trigger("a", "b")))
            while not waiting.done() and len(druid.server.requests) < 3:  # noqa: ASYNC110 - the server sends no event
                await asyncio.sleep(0.01)
            druid.tasks.update(b="FAILED")
            return await waiting

        event = asyncio.run(end_the_last())

    assert event == {"state": {"seen": 1}}
    assert len(druid.server.requests) > 2


def test_a_druid_that_is_away_for_a_while_is_waited_for(connect):
    away = [Reply(status=503), Reply(status=502, body=b"<html>", kind="text/html"), Reply(body=b'{"task": "a", "sta')]

    with running(FakeDruid(tasks={"a": "SUCCESS"}, hiccups=away)) as druid:
        connect(druid)
        assert asyncio.run(first_event(trigger("a")))

    assert len(druid.server.requests) == 4


@pytest.mark.parametrize("status", [401, 400])
def test_a_druid_that_refuses_is_left_to_the_operator(connect, status):
    with running(FakeDruid(tasks={"a": "RUNNING"}, hiccups=[Reply(status=status)] * 9)) as druid:
        connect(druid)
        assert asyncio.run(first_event(trigger("a")))

    assert len(druid.server.requests) == 1


def test_it_fires_at_the_deadline(connect):
    with running(FakeDruid(tasks={"a": "RUNNING"})) as druid:
        connect(druid)
        waiting = trigger("a", seconds=0.3)
        asyncio.run(first_event(waiting))

    assert 0 <= time.time() - waiting.deadline < 30


def test_the_event_loop_goes_on_while_druid_is_asked(connect):
    async def both():
        ticks = 0
        waiting = asyncio.ensure_future(first_event(trigger("a")))
        while not waiting.done():
            await asyncio.sleep(0.02)
            ticks += 1
        return ticks

    with running(FakeDruid(tasks={"a": "SUCCESS"}, hiccups=[Reply(status=503, delay_s=1.5)])) as druid:
        connect(druid)
        assert asyncio.run(both()) > 5


def test_a_person_who_ends_the_task_stops_it_in_druid(connect):
    with running(FakeDruid(tasks={"a": "RUNNING", "b": "SUCCESS"})) as druid:
        connect(druid)
        asyncio.run(trigger("a", "gone", "b").on_kill())

    assert druid.tasks["a"] == "FAILED"


def test_another_triggerer_makes_the_same_from_what_is_stored():
    path, arguments = json.loads(json.dumps(trigger("a", "b").serialize()))
    module, _, name = path.rpartition(".")

    made = getattr(importlib.import_module(module), name)(**arguments)

    assert made.serialize() == (path, arguments)
