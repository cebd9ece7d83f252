"""The rows of `<model>_profiles` say all that a profile counts, and add up over days and segments."""

from __future__ import annotations

from collections import Counter
from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.druid.ingestion import build_profiles_datasource, select_profiled_columns
from airflow_mlmon.druid.profile_rows import SCHEMA, profile_rows
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.partition import Partition
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.engine.pinning import pin_schema
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.profiles.schema import ProfileSchema
from tests.support.druid.counted import counted, differing
from tests.support.druid.profiled import day, rows_of, spec_of
from tests.support.profiles import numeric_schema

DAY = Partition.of_day("m", date(2026, 3, 8))


def rows(profile: Profile, columns: list[str] | None = None) -> pa.Table:
    return profile_rows(DAY, profile, version="v", columns=columns or [*profile.columns, "version"])


def by_cell(*tables: pa.Table) -> Counter:
    found: Counter = Counter()
    for table in tables:
        for row in table.to_pylist():
            found[row["column"], row["segment"], row["kind"], row["value"], row["cell"]] += row["count"]
    return found


@pytest.fixture(scope="module")
def profiles():
    """A long and a short day of every kind of column, the same profile schema."""
    spec = spec_of("m", segments=("kind", ["flag", "kind"]))
    days = [rows_of(day("m", offset), size, seed=offset) for offset, size in ((0, 4_000), (1, 60))]
    schema = pin_schema(spec, days[0].slice(0, 1_500))
    return spec, [profile_table(table, schema) for table in days]


def test_the_counts_of_days_are_those_of_their_sum(profiles):
    spec, (one, other) = profiles
    columns = [*select_profiled_columns(spec)]

    found = by_cell(rows(one, columns), rows(other, columns))

    assert one.columns["spread"].distribution.is_exact != other.columns["spread"].distribution.is_exact
    assert differing(found, counted(one + other)) == []


def test_the_counts_of_a_column_are_its_rows_in_all_and_by_segment(profiles):
    _, (one, _) = profiles
    totals: Counter = Counter()
    for (column, segment, *_), count in by_cell(rows(one)).items():
        totals[column, segment] += count

    assert {totals[name, None] for name in one.columns} == {4_000}
    for segment in one.segments.values():
        for key, part in segment.by_key().items():
            assert {totals[name, key] for name in one.columns} == {part.rows}


def test_exact_values_and_atoms_are_named_within_their_cell(profiles):
    _, (one, _) = profiles
    table = rows(one).to_pylist()
    numbers = [row for row in table if row["number"] is not None]

    few = {row["number"] for row in numbers if row["column"] == "few"}
    spread = {row["number"] for row in numbers if row["column"] == "spread"}
    assert few
    assert all(number * 4 == int(number * 4) for number in few)
    assert 50.0 in spread
    for row in numbers:
        slack = 1e-9 * max(1.0, abs(row["number"]))
        assert row["low"] is None or row["low"] <= row["number"] + slack
        assert row["high"] is None or row["number"] - slack <= row["high"]


def test_outermost_cells_are_open():
    schema = ProfileSchema(model="m", columns=(numeric_schema(),))
    name = schema.columns[0].name
    profile = profile_table(pa.table({name: [-1e300, 1.0, 1e300]}), schema)

    found = sorted((row["number"], row["low"] is None, row["high"] is None) for row in rows(profile).to_pylist())

    assert [bounds for _, *bounds in found] == [[True, False], [False, False], [False, True]]


def test_a_column_that_may_not_be_shown_stays_behind_with_its_segments(profiles):
    _, (one, _) = profiles
    shown = [name for name in one.columns if name != "kind"] + ["version"]

    table = rows(one, shown)

    assert "kind" not in set(table.column("column").to_pylist())
    assert {str(key).partition("=")[0] for key in set(table.column("segment").to_pylist())} == {"None", "version"}


def test_personal_and_ignored_columns_are_not_shown():
    text = """\
model: fraud
start: 2026-01-01
reference: {path: r}
predictions:
  path: p/{date}
  columns:
    id: {type: string, role: id}
    at: {type: timestamp, role: time}
    email: {type: string, personal: hash}
    debug: {type: string, role: ignored}
    face: {type: vector, dimension: 2}
"""
    assert select_profiled_columns(parse_spec(text, "fraud.yaml")) == {"id", "id.length", "id.shape", "at", "face"}


def test_no_rows_make_no_row():
    schema = ProfileSchema(model="m", columns=(numeric_schema(),))

    assert rows(Profile.empty(schema)).num_rows == 0


def test_the_vector_is_counted_by_its_norm():
    spec = spec_of("vectors", face={"type": "vector", "dimension": 2})
    face = pa.array([[3.0, 4.0], [0.0, 1.0], [1.0], None, [np.nan, 1.0]])
    schema = pin_schema(spec, rows_of(day("vectors"), 5).append_column("face", face))
    profile = profile_table(rows_of(day("vectors"), 5).append_column("face", face), schema)

    found = [row for row in rows(profile, ["face"]).to_pylist() if row["segment"] is None]

    assert {(row["kind"], row["number"]): row["count"] for row in found} == {
        ("null", None): 1,
        ("nan", None): 1,
        ("malformed", None): 1,
        ("cell", 5.0): 1,
        ("cell", 1.0): 1,
    }


def test_the_datasource_has_the_columns_of_the_rows(profiles):
    spec, _ = profiles
    datasource = build_profiles_datasource(spec)

    assert [datasource.time_column, *(dimension.name for dimension in datasource.dimensions)] == SCHEMA.names
