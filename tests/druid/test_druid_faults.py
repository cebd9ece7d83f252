"""Faults while a day is loaded into a real Druid: it is whole, once, or as it was before.

These run last: they kill services.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from airflow_mlmon.druid.auth import BasicAuth
from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.druid.load import Load, Patience
from airflow_mlmon.druid.retry import Retry
from airflow_mlmon.errors import NotFoundError, ServiceRejectedError, ServiceUnavailableError
from tests.support.archive import FIRST
from tests.support.druid.bucket import DAY, SIGNATURE, datasource, handing_in, load_rows, rows_of, served
from tests.support.druid.operator import context, environment, operator
from tests.support.druid.proxy import FaultyRouter
from tests.support.druid.scripted import Reply
from tests.support.nightly_model import evaluate_day
from tests.support.runs import local_archive, opened

pytestmark = [pytest.mark.service, pytest.mark.timeout(300)]

LOGIN = BasicAuth(user="mlmon", password="correct horse battery")
PAGE = Reply(status=502, body=b"<html>Bad Gateway</html>", kind="text/html; charset=iso-8859-1")
CUT_OFF = Reply(body=b'{"task": "mlm', missing=40)
SILENT = Reply(delay_s=1.5)
PATIENT = Patience(poll_s=0.5, visible_s=90, task_s=180)


def impatient(url, **settings):
    given = {"auth": LOGIN, "retry": Retry(attempts=6, first_pause_s=0.05), "timeout_s": 1.0}
    return DruidClient(url, **given | settings)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Reply(status=500, body=b'{"error": "x"}'), id="500"),
        pytest.param(PAGE, id="502-html"),
        pytest.param(Reply(status=503, body=b""), id="503"),
        pytest.param(Reply(status=429, body=b""), id="429"),
        pytest.param(CUT_OFF, id="cut-off"),
        pytest.param(SILENT, id="time-out"),
        pytest.param(Reply(status=307, headers={"Location": "http://127.0.0.1:1/away"}), id="307-away"),
    ],
)
def test_an_answer_that_is_lost_at_each_step_loses_and_doubles_nothing(client, bucket, caplog, request, fault):
    caplog.set_level(logging.DEBUG)
    name = f"lost_{request.node.callspec.id}".replace("-", "_")

    with FaultyRouter(client.base_url, fault).running() as router:
        done = load_rows(impatient(router.url), bucket, name, rows_of(DAY, 60))

    assert done.task_id == f"mlmon.{name}.2013-03-08.v1.c0.n1"
    assert served(client, name) == (60, 30.0)
    assert SIGNATURE not in caplog.text
    assert LOGIN.password not in caplog.text


def test_a_redirect_to_a_service_of_druid_is_followed_at_each_step(cluster, client, bucket):
    target = urlsplit(cluster.url).netloc

    class Redirecting(FaultyRouter):
        def _answer(self, received):
            return Reply(status=307, headers={"Location": f"{self.target}{received.path}"})

    with Redirecting(cluster.url).running() as router:
        druid = impatient(router.url, redirect_hosts=[target], timeout_s=10)
        load_rows(druid, bucket, "redirected", rows_of(DAY, 60))

    assert served(client, "redirected") == (60, 30.0)


def test_a_refused_login_loads_nothing_and_is_said_once(cluster, client, bucket, caplog):
    caplog.set_level(logging.DEBUG)

    class Refusing(FaultyRouter):
        def _answer(self, _):
            return Reply(status=401, body=b"Unauthorized: correct horse battery", kind="text/plain")

    with Refusing(cluster.url).running() as router, pytest.raises(ServiceRejectedError) as caught:
        load_rows(impatient(router.url), bucket, "refused", rows_of(DAY, 60))

    assert LOGIN.password not in str(caught.value) + caplog.text
    with pytest.raises(NotFoundError):
        served(client, "refused")


def test_a_druid_that_stays_away_is_not_said_to_have_loaded(cluster, client, bucket):
    load_rows(client, bucket, "away", rows_of(DAY, 30))

    class Gone(FaultyRouter):
        def _answer(self, received):
            return PAGE if received.path == "/druid/v2/sql" else self._passed_on(received)

    short = Patience(poll_s=0.2, visible_s=3)
    with Gone(cluster.url).running() as router, pytest.raises(ServiceUnavailableError):
        load_rows(impatient(router.url), bucket, "away", rows_of(DAY, 60), version="v2", patience=short)

    done = load_rows(client, bucket, "away", rows_of(DAY, 60), version="v2")
    assert done.task_id == "mlmon.away.2013-03-08.v2.c0.n1"
    assert served(client, "away") == (60, 30.0)


def test_a_source_that_is_not_there_fails_without_its_signature(missing_source, client):
    with pytest.raises(ServiceUnavailableError, match="trying to read uri") as caught:
        missing_source.result(timeout=240)

    assert SIGNATURE not in str(caught.value)
    assert served(client, "missing") == (30, 15.0)


class PartitionState:
    """A evaluated day of a model, for its operator in this process and in others."""

    def __init__(self, folder, model, url):
        self.folder, self.model = folder, model
        archive = local_archive(folder, 1)
        named = ("model: loans", f"model: {model}")
        self.spec = folder / "spec.yaml"
        self.spec.write_text(archive.spec_text(named))
        self.environment = environment(folder, url)
        with opened(folder, archive, named) as run:
            self.day = type(DAY).of_day(model, FIRST)
            evaluate_day(run, self.day)

    def operator(self, **given):
        return operator(self.spec, FIRST, **given)

    def predictions(self, loads):
        return loads[f"{self.model}_predictions {FIRST}"]

    def blocked(self, client, bucket):
        """Druid works on another load of the day while the bucket is held, and cannot begin with ours."""
        table = datasource(f"{self.model}_predictions")
        wanted = Load(datasource=table, partition=self.day, version="earlier", rows=10)
        url = bucket.put(f"{self.model}-earlier", rows_of(self.day, 10))
        handing_in(client, wanted, [url])(wanted.task_id(1))

    def our_task(self, client):
        """The id of our load's task, once Druid has it."""
        for _ in range(300):
            tasks = client._transport.send("GET", f"/druid/indexer/v1/tasks?datasource={self.model}_predictions").data
            if ours := [task["id"] for task in tasks if "earlier" not in task["id"]]:
                return ours[0]
            time.sleep(0.1)
        raise AssertionError("Druid got no task")


@pytest.fixture
def day(cluster, tmp_path, monkeypatch, request):
    made = PartitionState(tmp_path, request.node.name.removeprefix("test_")[:40], cluster.url)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    return made


def test_a_killed_worker_leaves_the_task_to_the_retry(day, client, bucket):
    program = (
        "import sys; from datetime import date; from pathlib import Path;"
        "from tests.support.druid.operator import context, operator;"
        "task = operator(Path(sys.argv[1]), date.fromisoformat(sys.argv[2]));"
        "task.perform(context(), task.run_step)"
    )

    with bucket.held() as asked:
        day.blocked(client, bucket)
        assert asked.wait(60)
        worker = subprocess.Popen(
            [sys.executable, "-c", program, str(day.spec), str(FIRST)], env={**os.environ, **day.environment}
        )
        task_id = day.our_task(client)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    task = day.operator()
    done = day.predictions(task.perform(context(), task.run_step))

    assert done["task_id"] == task_id
    assert task_id.endswith(".c0.n1")
    assert count(client, day) == 80


def test_a_person_who_stops_the_task_stops_it_in_druid_and_may_start_it_again(day, client, bucket):
    task = day.operator()
    with bucket.held() as asked, ThreadPoolExecutor(1) as pool:
        day.blocked(client, bucket)
        assert asked.wait(60)
        running = pool.submit(task.perform, context(), task.run_step)
        task_id = day.our_task(client)
        while task._stop is None:
            time.sleep(0.1)
        task.on_kill()
        with pytest.raises(ServiceUnavailableError, match="Shutdown request"):
            running.result(120)

    again = day.operator()
    done = day.predictions(again.perform(context(), again.run_step))
    cleared = day.operator()
    redone = day.predictions(cleared.perform(context(clear_number=1), cleared.run_step))

    assert task_id.endswith(".c0.n1")
    assert done["task_id"] == task_id.removesuffix("n1") + "n2"
    assert redone["task_id"].endswith(".c1.n1")
    assert count(client, day) == 80


def count(client, day):
    [row] = client.sql(f'SELECT COUNT(*) AS n FROM "{day.model}_predictions"')  # noqa: S608
    return row["n"]


@pytest.fixture
def interrupted(cluster, client, bucket):
    """A load of v2 over v1 during which a service is killed and started again; how the load ended."""

    def run(name, service):
        load_rows(client, bucket, name, rows_of(DAY, 30))
        with ThreadPoolExecutor(1) as pool:
            with bucket.held() as asked:
                loading = pool.submit(load_rows, client, bucket, name, rows_of(DAY, 60), version="v2", patience=PATIENT)
                assert asked.wait(60)
                cluster.kill_service(service)
                if service != "broker":
                    assert served(client, name) == (30, 15.0)
                cluster.start_service(service)
                cluster.wait_until_ready()
                assert served(client, name) == (30, 15.0)
            return loading.exception(240) or loading.result()

    return run


def test_an_indexer_that_is_killed_loses_the_task_and_the_retry_starts_the_next(interrupted, client, bucket):
    failure = interrupted("indexer_killed", "indexer")
    assert isinstance(failure, ServiceUnavailableError)
    assert "disappeared" in str(failure)
    assert served(client, "indexer_killed") == (30, 15.0)

    done = load_rows(client, bucket, "indexer_killed", rows_of(DAY, 60), version="v2")

    assert done.task_id.endswith(".n2")
    assert served(client, "indexer_killed") == (60, 30.0)


def test_an_overlord_that_is_killed_loses_no_task(interrupted, client):
    done = interrupted("overlord_killed", "coordinator")

    assert done.task_id.endswith(".n1")
    assert served(client, "overlord_killed") == (60, 30.0)


def test_a_broker_that_is_killed_is_waited_for(interrupted, client):
    done = interrupted("broker_killed", "broker")

    assert done.task_id.endswith(".n1")
    assert served(client, "broker_killed") == (60, 30.0)


def test_tasks_that_are_stopped_at_once_are_not_waited_for(client, bucket):
    # the last test: such tasks hold the workers for minutes
    url = bucket.put("hasty", rows_of(DAY, 10))
    wanted = [Load(datasource=datasource(f"hasty_{n}"), partition=DAY, version="v1", rows=10) for n in range(8)]
    for one in wanted:
        handing_in(client, one, [url])(one.task_id(1))
        client.shutdown(one.task_id(1))

    # the list of the workers would say that some of them run, for minutes
    assert not client.is_any_running([one.task_id(1) for one in wanted])
