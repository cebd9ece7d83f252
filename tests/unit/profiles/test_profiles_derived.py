"""Columns derived from times: values, nulls, far years, and the same profile from tables and files."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_mlmon.loading import parse_spec
from airflow_mlmon.profiles.engine.derived import derive
from airflow_mlmon.profiles.engine.local import profile_parquet, profile_table
from airflow_mlmon.profiles.engine.pinning import pin_schema
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.profiles.schema import Derivation, ProfileSchema, SegmentSchema
from tests.support.base_day import SPEC

MOMENT = pa.timestamp("us", "UTC")
EVENT = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
TIMES = pa.array(
    [
        EVENT - timedelta(seconds=90, microseconds=1),
        EVENT + timedelta(hours=1),
        datetime(9999, 12, 31, tzinfo=UTC),
        None,
    ],
    MOMENT,
)
EVENTS = pa.array([EVENT] * 4, MOMENT)


def test_ages_are_signed_seconds_and_far_years_are_not_wrapped():
    found = derive([Derivation(feature="age", columns=("signup", "at"))], [TIMES, EVENTS])[0].to_pylist()
    far = (EVENT - datetime(9999, 12, 31, tzinfo=UTC)).total_seconds()
    assert found == [90.000001, -3600.0, far, None]
    assert (
        derive([Derivation(feature="age", columns=("signup", "at"))], [TIMES, pa.nulls(4, MOMENT)])[0].null_count == 4
    )


@pytest.mark.parametrize(
    ("zone", "hours", "weekdays"),
    [
        ("UTC", ["23", "00", "00", None], ["Sunday", "Monday", "Friday", None]),
        ("Europe/Berlin", ["00", "01", "01", None], ["Monday", "Monday", "Friday", None]),
    ],
)
def test_hours_and_weekdays_are_those_of_the_zone(zone, hours, weekdays):
    assert derive([Derivation(feature="hour", columns=("signup",), zone=zone)], [TIMES])[0].to_pylist() == hours
    assert derive([Derivation(feature="weekday", columns=("signup",), zone=zone)], [TIMES])[0].to_pylist() == weekdays


def rows_of(days: int, *, standing: datetime | None = None, following: bool = False) -> pa.Table:
    events = [EVENT + timedelta(days=day, minutes=place) for day in range(days) for place in range(20)]
    ages = [timedelta(hours=7 * (place % 80) if not following else 1) for place in range(len(events))]
    signups = [standing or event - age for event, age in zip(events, ages, strict=True)]
    return pa.table({"at": pa.array(events, MOMENT), "signup": pa.array(signups, MOMENT)})


def pin(rows: pa.Table) -> ProfileSchema:
    text = SPEC.format(root="/archive").replace("    amount: {type: float}\n", "    signup: {type: timestamp}\n")
    return pin_schema(parse_spec(text, "m.yaml"), rows)


def derived_in(schema: ProfileSchema) -> list[str]:
    return [column.name for column in schema.columns if column.derived]


def test_only_what_days_can_be_compared_by_is_pinned():
    assert derived_in(pin(rows_of(14))) == ["signup.age", "signup.hour", "signup.weekday"]
    assert derived_in(pin(rows_of(14, standing=EVENT))) == ["signup.hour", "signup.weekday"]
    assert derived_in(pin(rows_of(14, following=True))) == ["signup.age", "signup.hour"]
    # without event times nobody knows ages, nor whether the weekday is that of the day
    assert derived_in(pin(rows_of(14).drop_columns(["at"]))) == []


def test_files_and_tables_have_the_same_profile_and_it_is_read_again(tmp_path):
    rows = rows_of(14).append_column("kind", pa.array(["a", "b"] * 140))
    schema = replace(pin(rows), segments=(SegmentSchema(columns=("kind",), values=("a", "b")),))
    pq.write_table(rows.slice(0, 100), tmp_path / "a.parquet")
    pq.write_table(rows.slice(100), tmp_path / "b.parquet")
    whole = profile_table(rows, schema)
    assert profile_parquet([tmp_path / "a.parquet", tmp_path / "b.parquet"], schema).to_bytes() == whole.to_bytes()
    assert Profile.from_bytes(whole.to_bytes()) == whole
    assert whole.columns["signup.age"].observed == rows.num_rows
    assert ProfileSchema.from_json(schema.to_json()) == schema
    # rows of a release that knew no signup have no age either
    assert profile_table(rows.drop_columns(["signup"]), schema).columns["signup.age"].rows == 0


def test_a_declared_column_of_the_same_name_is_not_derived():
    text = SPEC.format(root="/archive").replace(
        "    amount: {type: float}\n", "    signup: {type: timestamp}\n    signup.age: {type: float}\n"
    )
    derived = parse_spec(text, "m.yaml").derived
    assert {name for name, source in derived.items() if source == "signup"} == {"signup.hour", "signup.weekday"}
