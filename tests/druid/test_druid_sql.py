"""Ingestion by SQL, on the newest Druid whose jars have it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.druid.load import Load, load_partition
from airflow_mlmon.errors import ServiceRejectedError, ServiceUnavailableError
from airflow_mlmon.partition import Partition
from airflow_mlmon.spec.druid import DruidIngestion
from tests.support.archive import FIRST
from tests.support.druid.bucket import DAY, NEXT, QUICK, SIGNATURE, datasource, handing_in, load_rows, rows_of, served
from tests.support.druid.operator import ingested
from tests.support.nightly_model import evaluate_day
from tests.support.runs import local_archive, opened

pytestmark = [pytest.mark.service, pytest.mark.timeout(240)]
SQL = {"ingestion": DruidIngestion.SQL}


@pytest.fixture
def client(sql_cluster):
    return DruidClient(sql_cluster.url)


def test_sql_replaces_its_day_and_no_other(client, bucket):
    load_rows(client, bucket, "by_sql", rows_of(NEXT, 10), partition=NEXT, **SQL)
    first = load_rows(client, bucket, "by_sql", rows_of(DAY, 300), **SQL)

    again = load_rows(client, bucket, "by_sql", rows_of(DAY, 300), **SQL)
    load_rows(client, bucket, "by_sql", rows_of(DAY, 120, score=0.25), version="v2", **SQL)

    assert (first.task_id, first.rows, first.segments) == ("query-mlmon.by_sql.2013-03-08.v1.c0.n1", 300, 1)
    assert again == first
    assert served(client, "by_sql") == (120, 30.0)
    assert served(client, "by_sql", NEXT) == (10, 5.0)


def test_the_same_task_of_sql_is_taken_once(client, bucket):
    done = load_rows(client, bucket, "once", rows_of(DAY, 20), **SQL)
    wanted = Load(datasource=datasource("once"), partition=DAY, version="v1", rows=20, **SQL)
    url = bucket.put("other", rows_of(DAY, 30))

    assert handing_in(client, wanted, [url])(done.task_id) is False
    assert served(client, "once") == (20, 10.0)


def test_values_arrive_by_sql_as_they_were(client, bucket):
    words = ['a"b\\c\n', "\u2028é😀", "", "it's", "'; DROP"]
    table = rows_of(DAY, 5).set_column(1, "id", [words]).set_column(3, "n", [[2**53 + 1, -(2**63), 2**63 - 1, 0, 7]])
    table = table.set_column(2, "score", [[0.1, 1e-300, -0.5, 1e300, 0.0]])

    load_rows(client, bucket, "sql_values", table, **SQL)

    rows = client.sql('SELECT __time, "id", "score", "n" FROM "sql_values" ORDER BY __time')
    # this Druid is set to hold an empty text for absent
    assert [row["id"] or "" for row in rows] == words
    assert [row["score"] for row in rows] == [0.1, 1e-300, -0.5, 1e300, 0.0]
    assert [row["n"] for row in rows] == [2**53 + 1, -(2**63), 2**63 - 1, 0, 7]
    assert rows[-1]["__time"] == "2013-03-08T23:59:59.999Z"


def test_a_row_of_another_day_fails_sql_and_changes_nothing(client, bucket):
    load_rows(client, bucket, "sql_outside", rows_of(DAY, 20), **SQL)

    with pytest.raises(ServiceRejectedError, match="InsertTimeOutOfBounds") as caught:
        load_rows(client, bucket, "sql_outside", rows_of(NEXT, 20), version="v2", **SQL)

    assert SIGNATURE not in str(caught.value)
    assert served(client, "sql_outside") == (20, 10.0)


def test_a_day_is_loaded_by_sql_one_task_after_the_other(client, tmp_path):
    archive = local_archive(tmp_path, 2)
    by_sql = ("history: {days", "druid: {ingestion: sql}\nhistory: {days")
    days = [FIRST, FIRST + timedelta(days=1)]

    with opened(tmp_path, archive, by_sql) as run:
        for day in days:
            evaluate_day(run, Partition.of_day("loans", day))
        state = ingested(run, client, *days)
        done = state.done

    assert [load.rows for load in done.values()][:2] == [80, 80]
    assert len(done) == 6
    assert all(load.task_id.startswith("query-mlmon.loans_") for load in done.values())
    assert client.sql("SELECT COUNT(*) AS n FROM loans_predictions") == [{"n": 160}]
    # 27 is in that mode unless it is told otherwise
    assert "default-value mode: it reads null as 0" in state.warning


def test_an_input_that_is_empty_changes_nothing_and_is_worth_another_try(client, bucket):
    load_rows(client, bucket, "sql_empty", rows_of(DAY, 20), **SQL)
    wanted = Load(datasource=datasource("sql_empty"), partition=DAY, version="v2", rows=30, **SQL)
    url = bucket.put("sql_empty-nothing", rows_of(DAY, 0))

    with pytest.raises(ServiceUnavailableError, match="InsertCannotBeEmpty"):
        load_partition(client, wanted, handing_in(client, wanted, [url]), patience=QUICK)
    assert served(client, "sql_empty") == (20, 10.0)
    done = load_rows(client, bucket, "sql_empty", rows_of(DAY, 30), version="v2", **SQL)

    assert done.task_id == "query-mlmon.sql_empty.2013-03-08.v2.c0.n2"
    assert served(client, "sql_empty") == (30, 15.0)
