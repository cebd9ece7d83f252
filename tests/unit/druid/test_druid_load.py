from __future__ import annotations

from datetime import date

import pytest

from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.druid.ingestion import Datasource
from airflow_mlmon.druid.load import Load, Patience, empty_partition, load_partition
from airflow_mlmon.druid.retry import Retry
from airflow_mlmon.errors import PartitionConflictError, ServiceRejectedError, ServiceUnavailableError
from airflow_mlmon.partition import Partition
from tests.support.druid.fake import FakeDruid, running
from tests.support.druid.scripted import Reply

DAY = Partition.of_day("fraud", date(2026, 3, 8))
TABLE = Datasource(name="fraud_metrics", time_column="time", dimensions=())
FIRST, SECOND = "mlmon.fraud_metrics.2026-03-08.4f1c.c0.n1", "mlmon.fraud_metrics.2026-03-08.4f1c.c0.n2"


class Clock:
    """A clock that only moves while somebody sleeps."""

    def __init__(self, on_sleep=lambda: None):
        self.now = 0.0
        self.on_sleep = on_sleep

    def sleep(self, seconds):
        self.now += seconds
        self.on_sleep()

    def patience(self):
        return Patience(task_s=60, visible_s=20, poll_s=1, sleep=self.sleep, clock=lambda: self.now)


def client(druid):
    return DruidClient(druid.server.url, retry=Retry(attempts=1), timeout_s=5)


def load(druid, clock=None, *, on_begun=None, **changes):
    wanted = Load(datasource=TABLE, partition=DAY, **{"rows": 3, "version": "4f1c"} | changes)
    druid_client = client(druid)
    patience = (clock or Clock()).patience()
    return load_partition(
        druid_client, wanted, lambda name: druid_client.submit({"id": name}), on_begun=on_begun, patience=patience
    )


def test_a_load_is_submitted_and_counted():
    told = []

    with running(FakeDruid()) as druid:
        done = load(druid, on_begun=told.append)

    assert (done.task_id, done.rows, done.segments) == (FIRST, 3, 1)
    assert druid.submitted == told == [FIRST]


@pytest.mark.guards("fault-31")
def test_a_finished_load_is_only_verified():
    with running(FakeDruid(tasks={FIRST: "SUCCESS"})) as druid:
        assert load(druid).task_id == FIRST

    assert druid.submitted == []


def test_a_running_load_is_joined():
    with running(FakeDruid(tasks={FIRST: "RUNNING"})) as druid:
        clock = Clock(on_sleep=lambda: druid.tasks.update({FIRST: "SUCCESS"}))
        assert load(druid, clock).task_id == FIRST

    assert druid.submitted == []


def test_a_task_is_asked_for_often_at_first_and_seldom_later():
    looks = []

    with running(FakeDruid(tasks={FIRST: "RUNNING"})) as druid:

        def go_on():
            looks.append(clock.now)
            if clock.now > 40:
                druid.tasks[FIRST] = "SUCCESS"

        clock = Clock(on_sleep=go_on)
        load(druid, clock)

    assert looks[0] < 0.2
    assert looks[-1] - looks[-2] == pytest.approx(1)


def test_a_failed_load_is_tried_under_the_next_id():
    with running(FakeDruid(tasks={FIRST: "FAILED"})) as druid:
        assert load(druid).task_id == SECOND

    assert druid.submitted == [SECOND]


def test_a_cleared_run_loads_again():
    with running(FakeDruid(tasks={FIRST: "SUCCESS"})) as druid:
        assert load(druid, clear_number=1).task_id == FIRST.replace("c0", "c1")


@pytest.mark.parametrize(
    "why",
    [
        "This task disappeared on the worker where it was assigned. See overlord logs for more details.",
        "The worker that this task was assigned disappeared and did not report cleanup within timeout[PT15M].",
        "Failed to assign this task. See overlord logs for more details.",
        "Task execution process exited unsuccessfully with code[137]. See middleManager logs for more details.",
        "java.lang.RuntimeException: Error occurred while trying to read uri: http://s3/day.json.gz?X=1\n\tat org.apa",
        "Shutdown request from user",
        "InsertCannotBeEmpty: Cannot insert into table [fraud_metrics] because query results in empty data",
    ],
)
def test_a_task_that_was_lost_is_worth_another_try(why):
    with running(FakeDruid(ends="FAILED", why=why)) as druid:
        with pytest.raises(ServiceUnavailableError, match="starts the next task"):
            load(druid)
        druid.ends = "SUCCESS"
        assert load(druid).task_id == SECOND


def test_a_task_that_druid_forgot_is_handed_in_by_the_retry():
    with running(FakeDruid(ends="RUNNING")) as druid:
        clock = Clock(on_sleep=druid.tasks.clear)
        with pytest.raises(ServiceUnavailableError, match="no longer knows"):
            load(druid, clock)
        druid.ends = "SUCCESS"
        assert load(druid).task_id == FIRST

    assert druid.submitted == [FIRST, FIRST]


def test_a_load_whose_rows_were_replaced_since_is_loaded_again():
    with running(FakeDruid(tasks={FIRST: "SUCCESS"}, served=(3, 0), reload_serves=(3, 3))) as druid:
        assert load(druid).task_id == SECOND


def test_a_failed_task_is_rejected_with_the_reason_but_no_signature():
    with running(FakeDruid(ends="FAILED")) as druid, pytest.raises(ServiceRejectedError) as caught:
        load(druid)

    assert "cannot read http://s3/day.json.gz" in str(caught.value)
    assert "0123abcd" not in str(caught.value)
    assert druid.submitted == [FIRST]


@pytest.mark.parametrize(
    "counts",
    [
        pytest.param({"processed": 2}, id="fewer"),
        pytest.param({"processed": 4}, id="more"),
        pytest.param({"processed": 3, "thrownAway": 1}, id="thrown-away"),
        pytest.param({"processed": 2, "processedWithError": 1}, id="with-error"),
        pytest.param({"processed": 3, "unparseable": 1}, id="unparseable"),
    ],
)
def test_a_report_of_other_counts_is_rejected(counts):
    with running(FakeDruid(counts=counts)) as druid, pytest.raises(ServiceRejectedError, match="did not ingest all"):
        load(druid)


def test_a_task_that_read_nothing_is_no_load_and_the_next_one_is():
    with running(FakeDruid(tasks={FIRST: "SUCCESS"}, counts={})) as druid:
        clock = Clock()
        with pytest.raises(ServiceRejectedError, match="read no rows"):
            load(druid, clock)
        druid.counts = {"processed": 3}

        assert load(druid).task_id == FIRST

    assert druid.submitted == [FIRST.replace("n1", f"n{attempt}") for attempt in range(2, 6)]


@pytest.mark.parametrize("served", [(0, 0), (2, 2)])
def test_rows_that_the_broker_does_not_show_are_not_said_to_be_loaded(served):
    with (
        running(FakeDruid(served=served)) as druid,
        pytest.raises(ServiceUnavailableError, match=f"serves {served[0]} "),
    ):
        load(druid)


@pytest.mark.parametrize("served", [pytest.param((3, 0), id="as-many"), pytest.param((6, 3), id="both")])
def test_rows_that_others_replace_each_time_are_a_conflict(served):
    with running(FakeDruid(served=served)) as druid, pytest.raises(PartitionConflictError):
        load(druid)

    assert len(druid.submitted) == len(set(druid.submitted)) == 5


def test_an_overlord_that_is_away_for_a_while_loses_no_task():
    page = Reply(status=502, body=b"<html>", kind="text/html")
    away = [page, Reply(status=503), Reply(status=307, headers={"Location": "http://127.0.0.1:1/x"}), page]

    with running(FakeDruid(hiccups=away)) as druid:
        assert load(druid).task_id == FIRST

    assert druid.submitted == [FIRST]


def test_a_task_that_does_not_end_is_left_running():
    clock = Clock()

    with running(FakeDruid(ends="RUNNING")) as druid, pytest.raises(ServiceUnavailableError, match="still runs"):
        load(druid, clock)

    assert clock.now == 60


def test_no_rows_are_never_submitted():
    with running(FakeDruid()) as druid, pytest.raises(ValueError, match="empty_partition"):
        load(druid, rows=0)

    assert druid.server.requests == []


def test_an_interval_that_still_serves_rows_is_not_said_to_be_empty():
    with running(FakeDruid(served=(3, 0))) as druid, pytest.raises(ServiceUnavailableError, match="still serves"):
        empty_partition(client(druid), TABLE.name, DAY, patience=Clock().patience())
