from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.druid import profile_sql as sql
from airflow_mlmon.druid.profile_hours import HourlySource, choose_hourly, join_hours, read_hourly
from airflow_mlmon.druid.profile_sql import SHIFTER, ColumnSource, Rows, SqlReading
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.hours import Clock, Hours
from airflow_mlmon.profiles.schema import ColumnSchema, Kind, ProfileSchema

START = datetime(2026, 3, 1, tzinfo=UTC)
AT = Clock(column="at")
X = ColumnSchema(name="x", kind=Kind.NUMERIC, centre=3.0, quantum=0.25)
Y = ColumnSchema(name="y", kind=Kind.NUMERIC, centre=0.0, quantum=1.0)
SOURCE = ColumnSource(schema=X, reading=SqlReading.DOUBLE)


def schema_of(*columns: ColumnSchema) -> ProfileSchema:
    return ProfileSchema(model="m", columns=columns)


def table_of(values: list[float | None]) -> pa.Table:
    times = [START + timedelta(minutes=40 * at) for at in range(len(values))]
    return pa.table({"at": pa.array(times, pa.timestamp("us", "UTC")), "x": values, "y": values})


def answered(values: list[float | None], reach: float = np.inf) -> list[dict[str, int]]:
    """What Druid answers of the column, whose longs wrap."""
    rows = []
    for hour in range(24):
        own = [value for at, value in enumerate(values) if at * 40 // 60 == hour]
        held = [value for value in own if value is not None and np.isfinite(value)]
        near = [value - X.centre for value in held if abs(value - X.centre) < reach]
        bits = [int(np.float64(one / X.quantum + SHIFTER).view(np.int64)) for one in near]
        if own:
            row = {"part": hour, "n": len(own), "h0": len(held), "m0": len(near)}
            row["s0"] = (sum(bits) + 2**63) % 2**64 - 2**63 if near else None
            row |= {"i0": sum(value is not None and np.isinf(value) for value in own)}
            row |= {"x0": sum(value is not None and np.isnan(value) for value in own)}
            rows.append(row)
    return rows


VALUES = [1.0, None, np.nan, np.inf, 2.6, -7.5, None, 1e5, *np.random.default_rng(3).normal(size=24).tolist()]


def test_sums_of_an_hour_are_those_of_the_rows():
    column = HourlySource(source=SOURCE, is_summed=True, is_flagged=True)

    found = read_hourly(answered(VALUES), 0, column, {})

    expected = profile_table(table_of(VALUES), schema_of(X), clock=AT).hours.column("x")
    assert expected.missing.sum() == 3
    assert expected.totals[3] == -42
    assert Hours.of(schema_of(X), found.rows, {"x": found}) == Hours.of(schema_of(X), expected.rows, {"x": expected})


def test_far_values_are_added_to_the_sum_of_their_hour():
    column = HourlySource(source=SOURCE, is_summed=True, is_flagged=True, is_far=True)

    found = read_hourly(answered(VALUES, reach=1e3), 0, column, {4: round((1e5 - 3) / 0.25)})

    assert found.totals == profile_table(table_of(VALUES), schema_of(X), clock=AT).hours.column("x").totals


def test_columns_beyond_those_that_are_summed_miss_their_nulls_alone():
    found = read_hourly(answered(VALUES), 0, HourlySource(source=SOURCE, is_flagged=True), {})

    assert (int(found.missing.sum()), int(found.observed.sum())) == (2, 0)


@pytest.mark.parametrize(("value", "is_far"), [(1e8, False), (1e9, True)])
def test_far_is_what_might_not_be_summed_in_a_long(value, is_far):
    profile = profile_table(table_of([1.0, value]), schema_of(X))

    (chosen,) = choose_hourly(schema_of(X), [SOURCE], profile.columns, [])

    assert (chosen.is_far, chosen.is_summed, chosen.is_flagged) == (is_far, True, False)


def test_hours_of_different_columns_are_joined_and_unknown_ones_stay_unknown():
    both = schema_of(X, Y)
    x, y = (profile_table(table_of(VALUES), schema_of(one), clock=AT).hours for one in (X, Y))

    assert join_hours(both, (x, y)) == profile_table(table_of(VALUES), both, clock=AT).hours
    assert join_hours(both, (x, None)) is None


def test_query_by_hour_binds_the_zone_and_the_values():
    rows = Rows(datasource="m", intervals=((START, START + timedelta(days=1)),), key=sql.hour_of("Europe/Berlin"))

    query = sql.hours(rows, [(SOURCE, True, True, 2.0)])

    assert query.text.startswith(
        'SELECT TIME_EXTRACT("__time", \'HOUR\', ?) AS part, COUNT(*) AS n, COUNT("x") AS h0, '
    )
    assert query.text.endswith(" GROUP BY 1")
    assert query.text.count("?") == len(query.parameters)
    assert query.parameters[0] == "Europe/Berlin"
