"""A store is taken back to each earlier schema and brought forth again, with rows in every table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from airflow_mlmon import __version__
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.store import schema
from airflow_mlmon.store.database import Database
from airflow_mlmon.store.metric_store import MetricStore
from airflow_mlmon.store.migration import bring_to_head, list_migrations, read_revision, take_back
from airflow_mlmon.store.schema import SCHEMA_VERSION, VERSION_TABLE
from airflow_mlmon.store.views import view_name
from tests.support.published import DAY, partition, partition_state, publish_breach

MODEL = "flights"
# the columns of a row that are no text of their own: the same in each table, so that every reference leads somewhere
_VALUES = {
    "model": MODEL,
    "family": "predictions",
    "fingerprint": "f00d",
    "metric": "label_coverage",
    "segment": "",
    "zone": "UTC",
    "arrived": "OK",
    "days": "{}",
    "columns": "[]",
    "tags": "[]",
    "causes": "[]",
    "detail": "{}",
    "error": "",
    "event": "opened",
}
# made or renamed by later schemas, and in all since the first under one name or another
_KEPT = ("metrics", "verdicts", "alerts", "outbox", "deliveries", "label_bases", "checks")


@pytest.fixture
def database(url) -> Iterator[Database]:
    """A store with a row in every table."""
    opened = Database(url)
    bring_to_head(opened)
    with opened.writing() as connection:
        for table in schema.metadata.sorted_tables:
            if table.name not in (VERSION_TABLE, schema.releases.name):
                connection.execute(sa.insert(table).values({column.name: _value(column) for column in table.columns}))
    with MetricStore(url) as store:
        store.models()
    yield opened
    opened.close()


def _value(column: sa.Column[Any]) -> Any:
    kind = column.type.python_type if not isinstance(column.type, sa.types.TypeDecorator) else str
    if isinstance(column.type, schema.UtcDateTime):
        return datetime(2013, 3, 8, tzinfo=UTC)
    if kind is str:
        return _VALUES.get(column.name, f"the {column.name}")
    return {date: DAY, bool: True, int: 1, float: 0.5}[kind]


def revisions(database: Database) -> list[str]:
    """The schemas that a store can be taken back to, the latest first."""
    first = "0001" if database.dialect.is_ddl_transactional else "0016"
    earlier = [step.revision for step in list_migrations(database, first)]
    return [*earlier[1:], first]


def shape(database: Database) -> dict[str, list[str]]:
    """Columns of each table, indexes and keys."""
    with database.reading() as connection:
        found = sa.inspect(connection)
        return {
            name: sorted(
                [
                    *(f"{column['name']} {column['nullable']}" for column in found.get_columns(name)),
                    *(f"index {index['name']}" for index in found.get_indexes(name)),
                    f"key {found.get_pk_constraint(name)['constrained_columns']}",
                ]
            )
            for name in found.get_table_names()
        }


def counts(database: Database) -> dict[str, int]:
    """Rows of each table."""
    with database.reading() as connection:
        names = [name for name in sa.inspect(connection).get_table_names() if name != schema.releases.name]
        return {name: connection.scalar(sa.text(f"SELECT count(*) FROM {name}")) for name in names}  # noqa: S608


def tables_of(database: Database) -> list[str]:
    """The names of its tables."""
    with database.reading() as connection:
        return sorted(sa.inspect(connection).get_table_names())


@pytest.fixture(scope="module")
def on_the_way_up(tmp_path_factory) -> dict[str, dict[str, list[str]]]:
    """The tables of a fresh store at each schema."""
    database, found = Database(f"sqlite:///{tmp_path_factory.mktemp('up')}/up.db"), {}
    for number in range(1, int(SCHEMA_VERSION)):
        with pytest.MonkeyPatch.context() as before:
            before.setattr("airflow_mlmon.store.migration.SCHEMA_VERSION", f"{number:04}")
            bring_to_head(database)
        found[f"{number:04}"] = shape(database)
    database.close()
    return found


def test_every_schema_is_reached_from_the_last_and_leads_to_it_again(database, kind, on_the_way_up):
    head, everything = tables_of(database), counts(database)
    assert set(everything.values()) == {1}

    for revision in revisions(database):
        take_back(database, revision)

        assert read_revision(database) == revision
        # the tables that a fresh store has there, with a row in each
        if kind == "sqlite":
            assert shape(database) == on_the_way_up[revision]
        if kind != "mysql":
            assert tables_of(database) == sorted(on_the_way_up[revision])
        assert set(counts(database).values()) == {1}, revision
        # on PostgreSQL they are the same scripts, and take ten times as long
        if kind == "postgresql" and revision not in {"0001", "0012", SCHEMA_VERSION}:
            continue

        bring_to_head(database)

        assert tables_of(database) == head, revision
        kept = counts(database)
        assert all(kept[f"mlmon_{name}"] == 1 for name in _KEPT), revision


def test_days_are_as_before_after_a_downgrade_and_an_upgrade(url):
    with MetricStore(url) as store:
        publish_breach(store)
        known, alerts = store.metric_values(partition()), store.alerts(MODEL, DAY, DAY)
        messages = store.undelivered(MODEL)

    database = Database(url)
    take_back(database, revisions(database)[0])
    take_back(database, "16")
    database.close()

    with MetricStore(url) as store:
        assert known
        assert store.metric_values(partition()) == known
        assert store.alerts(MODEL, DAY, DAY) == alerts
        assert store.undelivered(MODEL) == messages
        assert store.state(partition()) == partition_state()


def test_views_do_not_keep_a_column_from_going(url, database):
    with MetricStore(url) as store:
        store.publish(partition_state(partition(9)), [], supersedes=None)
    bring_to_head(database)
    with database.writing() as connection:
        connection.execute(sa.text(f"CREATE VIEW {view_name('other')} AS SELECT zone FROM mlmon_partitions"))  # noqa: S608

    take_back(database, revisions(database)[-1])

    with database.reading() as connection:
        assert sa.inspect(connection).get_view_names() == []


def test_what_is_no_earlier_schema_is_refused(database, kind):
    for target in ("", "0000", "9999", "yesterday", "-1", *(["0015"] if kind == "mysql" else [])):
        with pytest.raises(ConfigError, match="cannot be taken back"):
            take_back(database, target)

    assert read_revision(database) == SCHEMA_VERSION


def test_later_store_says_which_release_to_install(database, url):
    with database.writing() as connection:
        connection.execute(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = '0099'"))  # noqa: S608 - a constant
        connection.execute(sa.insert(schema.releases).values(revision="0099", release="7.3.1"))

    with pytest.raises(ConfigError) as caught:
        MetricStore(url)

    assert f"schema 0099 of airflow-mlmon 7.3.1; airflow-mlmon {__version__} supports" in str(caught.value)
    assert "install airflow-mlmon>=7.3.1 here" in str(caught.value)


def test_a_downgrade_that_was_killed_is_finished_by_the_next(database):
    """Where a change of tables is not undone, and where it is."""
    target = revisions(database)[-1]
    for number in (12, 25, 40):
        seen = iter(range(1, 1000))

        def crash(*_, seen=seen, at=number) -> None:
            if next(seen) == at:
                raise InterruptedError

        sa.event.listen(database.engine, "before_cursor_execute", crash)
        with pytest.raises(InterruptedError):
            take_back(database, target)
        sa.event.remove(database.engine, "before_cursor_execute", crash)

    take_back(database, target)

    assert read_revision(database) == target
    bring_to_head(database)
    assert read_revision(database) == SCHEMA_VERSION
