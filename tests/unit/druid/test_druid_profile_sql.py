"""What a profile asks of Druid: names quoted, values bound."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from airflow_mlmon.druid import profile_sql as sql
from airflow_mlmon.druid.profile_sql import ColumnSource, Rows, SqlReading
from tests.support.profiles import numeric_schema

DAY = (datetime(2013, 3, 8, tzinfo=UTC), datetime(2013, 3, 9, tzinfo=UTC))
HOSTILE = "x\" - 1); DROP TABLE 'y'; --"
QUOTED = '"x"" - 1); DROP TABLE \'y\'; --"'
ROWS = Rows(datasource='d"; --', intervals=(DAY,))
SOURCE = ColumnSource(
    schema=numeric_schema(HOSTILE, centre=0.5, quantum=0.25, atoms=(1.5, 2.5)), reading=SqlReading.DOUBLE
)
DIVIDED = Rows(datasource="d", intervals=(DAY, DAY), key=sql.write_segment_text(["a", "b"], flags=["b"], texts=["a"]))

QUERIES = {
    "extremes": sql.extremes(ROWS, [SOURCE]),
    "cells": sql.cells(ROWS, SOURCE),
    "values": sql.select_values(ROWS, SOURCE, most=7),
    "residues": sql.residues(ROWS, SOURCE),
    "far": sql.select_values(ROWS.where(sql.beyond(SOURCE, -3.0, 3.0)), SOURCE, most=7),
    "atoms": sql.select_values(ROWS.where(sql.is_atom(SOURCE)), SOURCE, most=7),
    "texts": sql.texts(ROWS, sql.text_of(SOURCE), first="'; --", most=7),
    "sketch": sql.sketch(ROWS, SOURCE, size=1024),
}


@pytest.mark.guards("attack-sql")
@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_names_are_quoted_and_values_bound(query):
    assert 'FROM "d""; --" WHERE' in query.text
    assert QUOTED in query.text
    assert query.text.replace(QUOTED, "").replace('"d""; --"', "").count("DROP") == 0
    assert query.text.count("?") == len(query.parameters)
    assert set(DAY) <= set(query.parameters)


def test_a_flag_column_is_quoted_as_its_column_is():
    assert QUOTED[:-1] + '__flag"' in sql.flags(ROWS, SOURCE).text


def test_text_that_is_looked_for_is_a_parameter():
    query = sql.texts(ROWS, sql.text_of(SOURCE), first="'; --", most=7)

    assert query.parameters == (*DAY, "'; --")
    assert "'; --" not in query.text.replace(QUOTED, "").replace('"d""; --"', "")


def test_rows_are_divided_by_all_columns_of_a_segment():
    query = sql.select_values(DIVIDED.of_parts(["x & true", None]), SOURCE, most=7)

    ambiguous = "' ' || \"a\" || ' ' LIKE '% &%' OR ' ' || \"a\" || ' ' LIKE '%& %'"
    escaped = f"CASE WHEN {ambiguous} THEN REPLACE(\"a\", '&', '&&') ELSE \"a\" END"
    text = f"{escaped} || ' & ' || CASE \"b\" WHEN 1 THEN 'true' WHEN 0 THEN 'false' END"
    assert query.text.startswith(f"SELECT {text} AS part, ")
    assert f"({text} IN (?) OR {text} IS NULL)" in query.text
    assert query.text.endswith("GROUP BY 1, 2 ORDER BY k, part LIMIT 7")
    assert query.parameters == (0.5, *DAY, *DAY, "x & true")


def test_a_time_is_read_by_its_hours_minutes_and_seconds():
    source = ColumnSource(schema=numeric_schema("seen", integer=True), reading=SqlReading.TIME)

    assert sql.text_of(source).text == 'SUBSTRING("seen", 12, 8)'


def test_an_integer_is_subtracted_before_it_is_a_double():
    source = ColumnSource(schema=numeric_schema("n", centre=2.0**53, integer=True), reading=SqlReading.LONG)

    assert sql.deviation(source).text == 'CAST("n" - CAST(? AS BIGINT) AS DOUBLE)'
    assert sql.deviation(source).parameters == (2**53,)
