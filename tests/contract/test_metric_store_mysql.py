"""What is particular about MySQL and MariaDB: tables completed after a crash, names of every form, locks, refusals."""

from __future__ import annotations

import struct

import certifi
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlmon.errors import ConfigError, ServiceRejectedError, ServiceUnavailableError
from airflow_mlmon.store import schema
from airflow_mlmon.store.database import Database
from airflow_mlmon.store.metric_store import MetricStore
from airflow_mlmon.store.migration import bring_to_head, is_current
from tests.support.mariadb import connected, fresh_mariadb
from tests.support.published import DAY, NOW, metric, partition, partition_state, publish_breach, results

pytestmark = pytest.mark.service

# what is committed by itself; the release is noted together with the version
_CHANGES = ("CREATE", "ALTER", f"INSERT INTO {schema.VERSION_TABLE}")


def _one_more_change(url: str) -> bool:
    """Open a store that stops at its second change of the tables; returns whether it got through."""
    database = Database(url)
    seen = iter(range(1000))

    def stop(_connection, _cursor, statement: str, *_) -> None:
        if statement.lstrip().startswith(_CHANGES) and next(seen) == 1:
            raise InterruptedError

    sa.event.listen(database.engine, "before_cursor_execute", stop)
    try:
        bring_to_head(database)
    except InterruptedError:
        return False
    finally:
        database.close()
    return True


def test_tables_that_a_crash_left_half_made_are_completed(mariadb):
    url = fresh_mariadb(mariadb)
    crashes = 0
    while not _one_more_change(url):
        crashes += 1
        database = Database(url)
        assert not is_current(database)
        database.close()

    with MetricStore(url) as store:
        publish_breach(store)
    assert crashes > len(schema.metadata.tables)


def test_tables_of_an_earlier_release_get_what_they_lack(mariadb):
    url = fresh_mariadb(mariadb)
    with MetricStore(url) as store:
        publish_breach(store)
    with connected(url) as connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE mlmon_audit")
        cursor.execute("DROP INDEX mlmon_metrics_of_all ON mlmon_metrics")
        cursor.execute("ALTER TABLE mlmon_partitions DROP COLUMN causes, DROP COLUMN zone")
        cursor.execute(f"UPDATE {schema.VERSION_TABLE} SET version_num = '0012'")  # noqa: S608 - a constant

    with MetricStore(url) as store:
        assert store.state(partition()) == partition_state()
        assert store.audit("flights") == []


def test_names_that_look_alike_are_kept_apart(mariadb):
    names = ["a", "A", "á", "a ", "a\t", "\uff41", "ß", "ss", "👍", "👎", "'; DROP TABLE x; --", 'b\\"%s']
    values = tuple(metric("null_rate", float(number), column=name) for number, name in enumerate(names))
    with MetricStore(fresh_mariadb(mariadb)) as store:
        store.publish(partition_state(), [results(metrics=values)], supersedes=None)

        found = store.metrics("flights", DAY, DAY)

    assert found == {(DAY, "null_rate", name): float(number) for number, name in enumerate(names)}


@pytest.fixture(scope="module")
def opened(mariadb):
    with MetricStore(fresh_mariadb(mariadb)) as store:
        store.publish(partition_state(), [], supersedes=None)
        yield store


@settings(max_examples=50)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_double_comes_back_to_its_last_bit(opened, value):
    opened.publish(None, [results(metrics=(metric("rows", value),))], supersedes=None)

    [found] = opened.metric_values(partition())

    assert struct.pack("d", found.value + 0.0) == struct.pack("d", value + 0.0)


def test_moments_keep_their_microseconds(mariadb):
    with MetricStore(fresh_mariadb(mariadb)) as store:
        publish_breach(store)
        moment = NOW.replace(microsecond=123_457)
        ids = [claim.id for claim in store.claim_pending(5, moment)]
        store.mark_sent(ids, moment)
        with store._database.reading() as connection:
            sent = connection.scalars(sa.select(schema.outbox.c.sent_at)).all()

    assert set(sent) == {moment}


def test_long_texts_are_whole(mariadb):
    text = "ü" * 200_000
    with MetricStore(fresh_mariadb(mariadb)) as store:
        store.publish(partition_state(message=text), [], supersedes=None)

        assert store.state(partition()).message == text


def test_a_name_that_is_too_long_is_refused_with_its_limit(mariadb):
    of_long = results(metrics=(metric("null_rate", 0.1, column="x" * 256),))
    with MetricStore(fresh_mariadb(mariadb)) as store, pytest.raises(ServiceRejectedError, match="too long") as caught:
        store.publish(partition_state(), [of_long], supersedes=None)

    assert "255 characters" in caught.value.hint


class TestLocks:
    def test_one_that_is_not_had_in_time_is_unavailable(self, mariadb, monkeypatch):
        monkeypatch.setattr("airflow_mlmon.store.database.LOCK_WAIT_S", 0.1)
        database = Database(fresh_mariadb(mariadb))

        with (
            pytest.raises(ServiceUnavailableError, match="Another writer"),
            database.writing("flights"),
            database.writing("flights"),
        ):
            pass
        database.close()

    def test_another_database_of_the_server_has_its_own(self, mariadb):
        first, second = Database(fresh_mariadb(mariadb)), Database(fresh_mariadb(mariadb))

        with first.writing("flights"), second.writing("flights") as connection:
            assert connection.scalar(sa.text("SELECT 1")) == 1
        first.close()
        second.close()

    def test_that_of_a_writer_whose_connection_is_cut_is_free(self, mariadb, monkeypatch):
        monkeypatch.setattr("airflow_mlmon.store.database.LOCK_WAIT_S", 5)
        database = Database(fresh_mariadb(mariadb))

        def write() -> None:
            with database.writing("flights") as connection:
                number = connection.scalar(sa.text("SELECT connection_id()"))
                with connected(mariadb) as other, other.cursor() as cursor:
                    cursor.execute(f"KILL {number}")
                connection.execute(sa.text("SELECT 1"))

        with pytest.raises(ServiceUnavailableError):
            write()

        with database.writing("flights") as connection:
            assert connection.scalar(sa.text("SELECT 1")) == 1
        database.close()


class TestRefusals:
    def test_a_server_that_is_away_is_unavailable_and_its_password_unsaid(self):
        with pytest.raises(ServiceUnavailableError) as caught:
            MetricStore("mysql://mlmon:s3cret@127.0.0.1:1/metrics")

        assert "mlmon:***@127.0.0.1:1" in str(caught.value)
        assert "s3cret" not in str(caught.value)

    def test_a_database_that_does_not_exist_is_refused(self, mariadb):
        with pytest.raises(ServiceRejectedError, match="Unknown database"):
            MetricStore(f"{mariadb}nowhere")

    def test_a_user_that_is_not_known_is_refused_and_the_password_unsaid(self, mariadb):
        with pytest.raises(ServiceRejectedError, match="Access denied") as caught:
            MetricStore(mariadb.replace("root@", "stranger:s3cret@") + "x")

        assert "s3cret" not in str(caught.value)

    def test_a_server_without_tls_is_refused_where_it_is_asked_for(self, mariadb):
        with pytest.raises(ServiceRejectedError, match="SSL is required"):
            MetricStore(fresh_mariadb(mariadb) + f"?ssl_ca={certifi.where()}")

    def test_a_missing_file_of_tls_is_named(self):
        with pytest.raises(ConfigError, match=r"/nowhere/ca\.pem of ssl_ca"):
            MetricStore("mysql://u@127.0.0.1:1/x?ssl_ca=/nowhere/ca.pem")
