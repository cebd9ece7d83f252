"""Tables of a database whose changes of tables are not undone: each step makes what is missing.

MySQL commits every change of a table at once, so what a crash left half made is completed by whoever comes next. No
release before its first one on MySQL has written there, so there is nothing to convert; a later migration that does
more than add tables, columns and indexes has to be able to run twice, and is called from here.
"""

from __future__ import annotations

import sqlalchemy as sa

from airflow_mlmon.store import schema
from airflow_mlmon.store.columns import PlainText


def complete_tables(connection: sa.Connection) -> None:
    """Make the tables, columns and indexes of this release that the database lacks."""
    found = sa.inspect(connection)
    tables = set(found.get_table_names())
    for table in tables_on(connection).sorted_tables:
        if table.name not in tables:
            table.create(connection, checkfirst=False)
            continue
        _add_columns(connection, table, {column["name"] for column in found.get_columns(table.name)})
        indexes = {index["name"] for index in found.get_indexes(table.name)}
        for index in sorted(table.indexes, key=lambda one: str(one.name)):
            if index.name not in indexes:
                index.create(connection, checkfirst=False)


def tables_on(connection: sa.Connection) -> sa.MetaData:
    """Copy the tables of the code, with a collation that tells any two texts apart, as do those of other databases."""
    copied = sa.MetaData()
    is_mariadb = getattr(connection.dialect, "is_mariadb", False)
    for table in schema.metadata.sorted_tables:
        copy = table.to_metadata(copied)
        copy.kwargs["mysql_engine"] = "InnoDB"
        copy.kwargs["mysql_charset"] = "utf8mb4"
        # neither case nor accents nor trailing blanks are alike
        copy.kwargs["mysql_collate"] = "utf8mb4_nopad_bin" if is_mariadb else "utf8mb4_0900_bin"
        for column in copy.columns:
            if isinstance(column.type, PlainText):
                # MySQL has no default of a long text; it fills a new column with ''
                column.server_default = None
    _index_of_all(copied.tables[schema.metrics.name])
    return copied


def _index_of_all(metrics: sa.Table) -> None:
    """Replace the partial index, which MySQL lacks: the first character tells whether there is any."""
    [partial] = [index for index in metrics.indexes if index.name == "mlmon_metrics_of_all"]
    metrics.indexes.discard(partial)
    columns = (metrics.c[name] for name in ("model", "metric", "column", "segment", "day"))
    sa.Index(partial.name, *columns, mysql_length={"column": 1, "segment": 1})


def _add_columns(connection: sa.Connection, table: sa.Table, found: set[str]) -> None:
    quoted = connection.dialect.identifier_preparer
    for column in table.columns:
        if column.name not in found:
            written = sa.schema.CreateColumn(column).compile(dialect=connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE {quoted.format_table(table)} ADD COLUMN {written}")
