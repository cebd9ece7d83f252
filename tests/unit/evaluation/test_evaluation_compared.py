"""Stored comparisons with the reference: nothing of a day's evaluation depends on whether they were stored."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.evaluation.compared import FORMAT, ComparedDay
from airflow_mlmon.evaluation.history import ColumnDays
from airflow_mlmon.evaluation.hourly import hourly_finding
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.hours import Clock
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.profiles.schema import ColumnSchema, Kind
from tests.support.profiles import category_schema, make_schema, numeric_schema

DAY = date(2026, 3, 2)
DAYS = 8
SCHEMA = make_schema(
    numeric_schema("amount", quantum=2.0**-30),
    numeric_schema("few", quantum=1.0),
    numeric_schema("absent", quantum=1.0),
    category_schema(*(f"shop {place}" for place in range(60)), name="channel"),
    ColumnSchema(name="shape", kind=Kind.VECTOR, quantum=2.0**-30, dimension=3, element_quantum=2.0**-30),
)


def profile(seed: int, rows: int = 400) -> Profile:
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(rows, 3)).ravel()
    columns = {
        "at": pa.array(np.datetime64(DAY, "us") + random.integers(0, 86_400_000_000, rows)).cast(
            pa.timestamp("us", "UTC")
        ),
        "amount": random.normal(size=rows),
        "few": random.integers(0, 9, rows).astype(float),
        "absent": pa.nulls(rows, pa.float64()),
        "channel": [f"shop {place}" for place in random.integers(0, 63, rows)],
        "shape": pa.FixedSizeListArray.from_arrays(pa.array(vectors), 3),
    }
    return profile_table(pa.table(columns), SCHEMA, clock=Clock(column="at"))


REFERENCE = profile(99, 4_000)
PAST = {DAY - timedelta(days=back): profile(back) for back in range(DAYS, 0, -1)}


class Unread:
    """Profile of which only the rows and hours may be asked for."""

    def __init__(self, known: ComparedDay) -> None:
        self.rows, self.hours = known.rows, known.hours

    @property
    def columns(self):
        raise AssertionError("the columns are read")


def stored(day: Profile, *, is_part: bool = False) -> ComparedDay:
    data = ComparedDay.of(day, REFERENCE, is_part=is_part).to_bytes()
    return ComparedDay.from_bytes(data, SCHEMA)


def column_days(past, **given) -> ColumnDays:
    baselines = {name: (REFERENCE, frozenset[date]()) for name in REFERENCE.columns}
    return ColumnDays(day=DAY, now=profile(0), past=past, baselines=baselines, **given)


def test_stored_comparisons_are_those_that_would_be_made():
    day = profile(1)
    made, read = ComparedDay.of(day, REFERENCE, is_part=True), stored(day, is_part=True)

    assert read.rows == day.rows
    assert read.hours == day.hours
    assert list(read.columns) == ["amount", "few", "channel", "shape"]
    for name, one in made.columns.items():
        # what is said of the reference alone is known without it
        of_day = replace(one.evidence, base_moments=None, base_tails=None, centre=0.0)
        assert read.columns[name] == replace(one, evidence=of_day)


def test_history_of_stored_comparisons_is_that_of_profiles():
    known = {day: stored(own) for day, own in PAST.items()}
    by_profiles = column_days(list(PAST.items())).columns()
    by_stored = column_days(
        [(day, Unread(one)) for day, one in known.items()],
        compared={day: one.columns for day, one in known.items()},
        reference=REFERENCE,
    ).columns()

    assert by_stored.keys() == by_profiles.keys()
    for name, history in by_profiles.items():
        found = by_stored[name]
        assert found.now == history.now
        assert found.series == history.series
        assert found.distribution() == history.distribution()
        assert found.shift() == history.shift()
        assert hourly_finding(found.hours) == hourly_finding(history.hours)


@pytest.mark.parametrize("changed", [{"bins": 7}, {"is_part": True}])
def test_comparison_made_otherwise_is_made_again(changed):
    day, own = next(iter(PAST.items()))
    other = {name: replace(one, evidence=None, **changed) for name, one in stored(own).columns.items()}
    found = column_days([(day, own)], compared={day: other}, reference=REFERENCE).columns()

    assert [len(history.past) for history in found.values()] == [1, 1, 1, 1]


def test_comparison_with_another_baseline_is_not_taken():
    day, own = next(iter(PAST.items()))
    other = {name: replace(one, evidence=None) for name, one in stored(own).columns.items()}
    found = column_days([(day, own)], compared={day: other}, reference=profile(98)).columns()

    assert [len(history.past) for history in found.values()] == [1, 1, 1, 1]


def test_comparison_of_a_format_never_changes():
    # if these numbers change, increase the format: days of an earlier release hold the ones of before
    found = ComparedDay.of(profile(1), REFERENCE, is_part=False).columns
    shown = {
        name: json.loads(json.dumps(one.to_json()), parse_float=lambda text: round(float(text), 7))
        for name, one in found.items()
    }

    assert FORMAT == 1
    assert shown["amount"] == [
        *(20, False, 400, 4_000, 0.5171684, 0.2886749, 25.9743538, 19, None),
        [0.0575643, 0.7743039, 2.1074152, -1.6817417, 1.7890392],
        [1.2460938, 4, 4, 0.009, 1388, ""],
        None,
        [-0.10353, 0.0019224],
    ]
    assert shown["channel"] == [
        *(20, False, 400, 4_000, None, 0.0, 33.3680528, 59, None, None),
        [38.0, 10, 55, 0.01125, 63, "'shop 38'"],
        [35.0, 3, 76, 0.0115, 63, "'shop 35'"],
        [0.0021965, 0.0002531],
    ]
    assert shown["shape"][6:9] == [9.7101858, 19, [0.1162699, 2, 3, 0.1143689]]
