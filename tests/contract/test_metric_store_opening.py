"""Opening a metric store: once for all who open it at once, whole, and never by older code."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa

from airflow_mlmon.errors import ConfigError, ServiceRejectedError, ServiceUnavailableError
from airflow_mlmon.lifecycle.states import Policy
from airflow_mlmon.partition import Partition
from airflow_mlmon.records import Arrival, MetricValue, Status
from airflow_mlmon.store import schema
from airflow_mlmon.store.database import Database
from airflow_mlmon.store.metric_store import MetricStore
from airflow_mlmon.store.migration import bring_to_head, is_current
from airflow_mlmon.store.schema import SCHEMA_VERSION, VERSION_TABLE
from tests.support.postgres import fresh_database
from tests.support.processes import PATIENCE_S
from tests.support.published import DAY, alert, arrival, partition, partition_state, pin, results

# no release before the one that came with MySQL has written there: its tables are completed, not migrated
MIGRATED = pytest.mark.parametrize(
    "kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)], indirect=True
)
# the numbers of the other connections of a database, and what closes one
_KILL_POSTGRES = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    "SELECT pg_terminate_backend({})",
)
_KILL_MYSQL = (
    "SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()",
    "KILL {}",
)
OPEN = """
import sys
from airflow_mlmon.store.metric_store import MetricStore
print("ready", flush=True)
sys.stdin.readline()
with MetricStore(sys.argv[1]) as store:
    print(store.models())
"""


OLD_SCHEMA = """
INSERT INTO mlmon_layouts VALUES ('flights', 1, 'abc123', 's3://x/layout.json', '{"fingerprint": "f00"}')
"""
OLD_DAY = """
INSERT INTO mlmon_nights VALUES ('flights', 'DAY', 'START', 'END', 'FAILED', 'v1', 'abc123',
 900, 890, 10, 'blocking', true, 'FACTS')
"""
# of a day that the fourth schema knows: its alert has a fingerprint that no other day's has
OLD_ALERT = """
INSERT INTO mlmon_nights VALUES ('loans', 'DAY', 'DAY 00:00:00', 'DAY 23:00:00', 'OK', 'v', 'l',
 9, 9, 0, '', true, '{}');
INSERT INTO mlmon_alerts (model, day, family, fingerprint, metric, "column", segment, severity, title, text,
 state, cause)
VALUES ('loans', 'DAY', 'predictions', 'fDAY', 'score_mean', '', '', 'warning', 't', 'x', 'open', '');
INSERT INTO mlmon_outbox (model, day, family, fingerprint, channel, state, attempts, error)
VALUES ('loans', 'DAY', 'predictions', 'fDAY', 'log', 'SENT', 0, '')
"""


def _tables(database: Database) -> list[str]:
    with database.reading() as connection:
        return sa.inspect(connection).get_table_names()


def test_four_processes_open_a_fresh_store_at_once(url):
    command = [sys.executable, "-c", OPEN, url]
    opened = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    ready = [process.stdout.readline() for process in opened]

    for process in opened:
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = [process.communicate(timeout=PATIENCE_S) for process in opened]

    assert [output for output, _ in outputs] == ["[]\n"] * 4, (ready, outputs)


@MIGRATED
def test_a_crash_at_any_statement_leaves_no_half_made_schema(url):
    database = Database(url)
    number = 0
    made = False
    while not made:
        # every fourth of more than a hundred
        number += 4
        seen = iter(range(1, 1000))

        def crash(*_, seen=seen, at=number) -> None:
            if next(seen) == at:
                raise InterruptedError

        sa.event.listen(database.engine, "before_cursor_execute", crash)
        try:
            bring_to_head(database)
            made = True
        except InterruptedError:
            pass
        finally:
            sa.event.remove(database.engine, "before_cursor_execute", crash)
        # the views are made after the tables
        whole = len(schema.metadata.tables) + 1
        assert len(_tables(database)) in ({whole} if made else {0, whole})
        assert is_current(database) == (len(_tables(database)) == whole)
    database.close()

    assert number > 10


@MIGRATED
def test_a_store_of_the_first_schema_is_upgraded_with_what_it_holds(url, monkeypatch):
    facts = {
        "files": 2,
        "labels_delivered": 30,
        "delay": {"hours": 1.5, "reason": ""},
        "arrived": "OK",
        "message": "",
        "rests_on": {"2013-03-07": "v0"},
    }
    with monkeypatch.context() as before:
        before.setattr("airflow_mlmon.store.migration.SCHEMA_VERSION", "0001")
        database = Database(url)
        bring_to_head(database)
    with database.writing() as connection:
        connection.exec_driver_sql(OLD_SCHEMA)
        for day, kept in ((8, facts), (7, {"files": 1}), (6, {"source": "reference"})):
            of, row = partition(day), OLD_DAY.replace("FACTS", json.dumps(kept))
            row = row.replace("DAY", of.key).replace("START", str(of.start)).replace("END", str(of.end))
            connection.exec_driver_sql(row)
    database.close()

    with MetricStore(url) as store:
        store.save_baseline("flights", pin())

        assert store.state(partition()) == partition_state(status=Status.FAILED, message="blocking", arrival=arrival())
        assert store.current_schema("flights") == ("abc123", "s3://x/layout.json", "f00")
        assert store.evaluation_bases("flights", DAY.replace(day=1), DAY) == {
            DAY: {DAY.replace(day=7): "v0", DAY: "v1"}
        }
        assert store.state(partition(7)).arrival == Arrival(
            status=Status.FAILED,
            message="blocking",
            files=1,
            labels_delivered=0,
            delay_hours=None,
            delay_reason="was not measured",
        )
        assert store.state(partition(6)).arrival is None
        assert store.days_in_files("flights") == {DAY, DAY.replace(day=7), DAY.replace(day=6)}
        assert store.baselines("flights") == [pin()]


def test_a_store_of_a_newer_version_is_refused(url):
    MetricStore(url).close()
    database = Database(url)
    with database.writing() as connection:
        connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")  # noqa: S608 - a constant
    database.close()

    with pytest.raises(ConfigError, match="9999") as caught:
        MetricStore(url)

    assert SCHEMA_VERSION in str(caught.value)


@MIGRATED
def test_a_store_of_the_first_schema_keeps_its_values(url, monkeypatch):
    with monkeypatch.context() as before:
        before.setattr("airflow_mlmon.store.migration.SCHEMA_VERSION", "0001")
        database = Database(url)
        bring_to_head(database)
    with database.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO mlmon_nights VALUES ('loans', '2026-03-01', '2026-03-01', '2026-03-02', 'OK', 'v', 'l',"
            " 9, 9, 0, '', true, '{}')"
        )
        connection.exec_driver_sql(
            "INSERT INTO mlmon_metrics VALUES ('loans', '2026-03-01', 'predictions', 'rows', '', 9.0, 9, '{}')"
        )
        connection.exec_driver_sql(
            "INSERT INTO mlmon_alerts VALUES"
            " ('loans', '2026-03-01', 'predictions', 'f', 'rows', '', 'warning', 't', 'x', 9.0, 'open')"
        )
    database.close()

    day = date(2026, 3, 1)
    with MetricStore(url) as store:
        assert store.measured("loans", day, day) == {(day, "rows"): MetricValue(metric="rows", value=9.0, rows=9)}
        assert [(alert.title, alert.segment) for alert in store.alerts("loans", day, day)] == [("t", None)]


@MIGRATED
def test_alerts_of_an_earlier_schema_become_one_over_the_days_and_its_messages_stay(url, monkeypatch):
    with monkeypatch.context() as before:
        before.setattr("airflow_mlmon.store.migration.SCHEMA_VERSION", "0004")
        database = Database(url)
        bring_to_head(database)
    with database.writing() as connection:
        for day, sent in (("2026-03-01", "sent"), ("2026-03-02", "pending")):
            for statement in OLD_ALERT.split(";"):
                connection.exec_driver_sql(statement.replace("DAY", day).replace("SENT", sent))
    database.close()

    with MetricStore(url) as store:
        [claim] = store.claim_pending(5, datetime(2026, 3, 3, tzinfo=UTC))
        store.follow_alerts("loans", Policy())
        [found] = store.tracked_alerts("loans")
        following = Partition.of_day("loans", date(2026, 3, 3))
        breach = alert("score_mean", following)
        store.publish(
            partition_state(following), [results(following, alerts=(breach,))], supersedes=None, channels=["log"]
        )

        assert (claim.event, claim.state.partition.key) == ("opened", "2026-03-02")
        assert (found.fingerprint, found.days, found.state) == (breach.fingerprint, 2, "open")
        assert store.claim_pending(5, datetime(2026, 3, 3, tzinfo=UTC)) == []


def test_a_store_beside_other_tables_leaves_them_alone(url):
    database = Database(url)
    with database.writing() as connection:
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('airflow')")

    bring_to_head(database)

    with database.reading() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars().all() == ["airflow"]
    database.close()


@pytest.mark.service
@pytest.mark.parametrize(("kind", "kill"), [("postgresql", _KILL_POSTGRES), ("mysql", _KILL_MYSQL)], indirect=["kind"])
def test_a_connection_that_the_server_closed_while_it_was_idle_is_replaced(url, kill, monkeypatch):
    monkeypatch.setattr("airflow_mlmon.store.dialects.dialect.TESTED_AFTER_S", 0)
    with MetricStore(url) as store:
        store.models()
        other = sa.create_engine(store._database.engine.url, isolation_level="AUTOCOMMIT")
        with other.connect() as connection:
            for number in connection.scalars(sa.text(kill[0])).all():
                connection.execute(sa.text(kill[1].format(number)))
        other.dispose()

        assert store.models() == []


@pytest.mark.service
class TestPostgres:
    def test_a_server_that_is_away_is_unavailable_and_its_password_unsaid(self):
        with pytest.raises(ServiceUnavailableError) as caught:
            MetricStore("postgresql://mlmon:s3cret@127.0.0.1:1/metrics")

        assert "mlmon:***@127.0.0.1:1" in str(caught.value)
        assert "s3cret" not in str(caught.value)

    def test_a_database_that_does_not_exist_is_refused(self, postgres):
        with pytest.raises(ServiceRejectedError, match="does not exist"):
            MetricStore(postgres.rpartition("/")[0] + "/nowhere")

    def test_a_lock_that_is_not_had_in_time_is_unavailable(self, postgres, monkeypatch):
        monkeypatch.setattr("airflow_mlmon.store.database.LOCK_WAIT_S", 0.1)
        database = Database(fresh_database(postgres))

        with (
            pytest.raises(ServiceUnavailableError, match="lock timeout"),
            database.writing("flights"),
            database.writing("flights"),
        ):
            pass
        database.close()
