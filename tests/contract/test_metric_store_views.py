"""The SQL view of each model, read as any client of the database reads it."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import date

import pytest
import sqlalchemy as sa

from airflow_mlmon.errors import ServiceRejectedError
from airflow_mlmon.fleet import RegisteredModel
from airflow_mlmon.records import Verdict, VerdictState
from airflow_mlmon.store.metric_store import MetricStore
from airflow_mlmon.store.views import renew_views, view_name
from tests.support.mariadb import connected, fresh_mariadb
from tests.support.published import DAY, metric, partition, partition_state, results

_LONG = "a" * 63
_OTHER = "a" * 62 + "b"
COLUMNS = (
    *("day", "zone", "status", "version", "family", "metric", "column_name", "segment", "value", "low", "high"),
    *("row_count", "state", "expected", "expected_low", "expected_high", "p_value", "effect", "severity", "rule"),
)


def _publish(store: MetricStore, model: str = "flights", value: float = 0.25) -> None:
    of = partition(model=model)
    of_column = Verdict(
        metric="null_rate", column="a'b", segment=None, value=value, state=VerdictState.OK, low=0.0, high=0.9, rule="x"
    )
    verdicts = (of_column, replace(of_column, state=VerdictState.BREACH, high=0.1, rule="limit"))
    found = (metric("null_rate", value, column="a'b"), metric("rows", 900.0))
    store.publish(partition_state(of), [results(of, metrics=found, verdicts=verdicts)], supersedes=None)
    store.register(RegisteredModel(model=model))


def _read(store: MetricStore, query: str) -> list[dict[str, object]]:
    with store._database.reading() as connection:
        return [dict(row) for row in connection.exec_driver_sql(query).mappings()]


def test_plain_sql_reads_the_metrics_of_a_model_with_their_verdicts(store):
    _publish(store)
    _publish(store, "loans", 0.5)

    rows = _read(store, "SELECT * FROM mlmon_v_flights ORDER BY metric")

    assert tuple(rows[0]) == COLUMNS
    assert [(row["metric"], row["column_name"], row["value"], row["state"]) for row in rows] == [
        ("null_rate", "a'b", 0.25, "BREACH"),
        ("rows", "", 900.0, None),
    ]
    assert (rows[0]["expected_high"], rows[0]["rule"], rows[0]["status"]) == (0.1, "limit", "OK")
    assert date.fromisoformat(str(rows[0]["day"])) == DAY


@pytest.mark.parametrize("statement", ["UPDATE {} SET value = 0", "DELETE FROM {}"], ids=["update", "delete"])
def test_nothing_is_written_through_a_view(store, statement):
    _publish(store)

    with pytest.raises(ServiceRejectedError), store._database.writing() as connection:
        connection.exec_driver_sql(statement.format("mlmon_v_flights"))


def test_long_names_have_views_of_their_own(store):
    for value, model in enumerate((_LONG, _OTHER)):
        _publish(store, model, float(value))

    values = [
        _read(store, f"SELECT value FROM {view_name(model)} WHERE metric = 'null_rate'")  # noqa: S608 - a constant
        for model in (_LONG, _OTHER)
    ]

    assert values == [[{"value": 0.0}], [{"value": 1.0}]]
    assert len(view_name(_LONG)) == 63


def test_an_upgrade_makes_them_again(store):
    _publish(store)
    with store._database.writing() as connection:
        connection.exec_driver_sql("DROP VIEW mlmon_v_flights")

    renew_views(store._database)
    renew_views(store._database)

    assert len(_read(store, "SELECT * FROM mlmon_v_flights")) == 2


@pytest.mark.service
def test_a_user_who_may_not_make_views_is_told_and_the_model_is_registered(mariadb, caplog):
    url = fresh_mariadb(mariadb)
    database = url.rpartition("/")[2]
    MetricStore(url).close()
    with connected(mariadb) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE USER plain_{database}@'%'")
        cursor.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {database}.* TO plain_{database}@'%'")

    with MetricStore(url.replace("root@", f"plain_{database}@")) as store, caplog.at_level(logging.WARNING):
        store.register(RegisteredModel(model="flights"))

        assert [found.model for found in store.registered()] == ["flights"]
        assert not sa.inspect(store._database.engine).get_view_names()
    assert "No SQL view of flights" in caplog.text
