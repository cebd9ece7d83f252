"""Values that later days bring, by what each day of the reference would have brought."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.drift.new_values import measure_novelty, without_own_day
from airflow_mlmon.drift.unseen import ranges_without, unseen_metrics
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.engine.pinning import pin_schema
from airflow_mlmon.profiles.profile import Profile, sum_profiles
from airflow_mlmon.tasks.summary import summary_metrics
from tests.support.profiles import make_spec

SPEC = make_spec(code={"type": "category"}, amount={"type": "float"})
DAYS = [date(2024, 1, day) for day in (1, 2, 3)]


def day_of(codes: list[str], amounts: list[float]) -> pa.Table:
    return pa.table({"code": codes, "amount": amounts})


TABLES = [
    day_of(["a", "a", "b", "x", "x"], [1.0, 2.0, 3.0, 4.0, 5.0]),
    day_of(["a", "b", "b"], [1.0, 2.0, 9.0]),
    day_of(["b", "a", "y", None], [0.5, 2.0, 3.0, 4.0]),
]
WHOLE = pa.concat_tables(TABLES)
SCHEMA = pin_schema(SPEC, WHOLE)
OF_ROWS = pa.chunked_array([pa.array([day] * len(table)) for day, table in zip(DAYS, TABLES, strict=True)])


def test_rows_whose_value_no_other_day_has_are_those_that_it_would_have_brought():
    found = measure_novelty(SCHEMA, WHOLE, OF_ROWS)["code"]

    assert found.by_day == {DAYS[0]: 2, DAYS[2]: 1}
    assert (found.once, found.rows[DAYS[2]]) == (1, 3)
    # x on two rows of one day, and y, of eleven rows with a value
    assert found.share == pytest.approx(3 / 11)


def test_day_of_the_reference_has_the_rates_that_its_own_values_do_not_hide():
    profiles = {day: profile_table(table, SCHEMA) for day, table in zip(DAYS, TABLES, strict=True)}
    novelty = measure_novelty(SCHEMA, WHOLE, OF_ROWS)
    found = without_own_day(summary_metrics(profiles[DAYS[0]], SPEC), novelty, DAYS[0])
    whole = sum_profiles(SCHEMA, profiles.values())
    ranges = [
        next(unseen_metrics(profiles[day], whole, SPEC, others=ranges_without(profiles)[day])).value for day in DAYS
    ]

    assert [one.value for one in found if one.metric == "new_category_rate"] == [2 / 5]
    # 9.0 on the second day, 0.5 on the third
    assert ranges == [0.0, 1 / 3, 1 / 4]


def zipf(rows: int, seed: int, codes: int = 5_000) -> list[str]:
    shares = 1 / np.arange(1, codes + 1)
    drawn = np.random.default_rng(seed).choice(codes, rows, p=shares / shares.sum())
    return [f"{code:05}" for code in drawn]


def profiled(codes: list[str], schema) -> Profile:
    return profile_table(day_of(codes, [0.0] * len(codes)), schema)


def test_known_code_beyond_the_vocabulary_is_not_new():
    known = zipf(60_000, 1)
    schema = pin_schema(SPEC, day_of(known, [0.0] * len(known)))
    column = profiled([*known[:5_000], "fresh", "fresh", "other"], schema).columns["code"]

    assert len(schema.columns[0].vocabulary) == 1_000
    assert column.unseen_rows > 500
    assert (column.new_rows, column.names) == (3, (("fresh", 2), ("other", 1)))


def test_new_rows_add_up_and_survive_their_bytes():
    known = zipf(20_000, 1)
    schema = pin_schema(SPEC, day_of(known, [0.0] * len(known)))
    parts = [profiled(zipf(3_000, seed), schema) for seed in (2, 3)]
    whole = profiled([*zipf(3_000, 2), *zipf(3_000, 3)], schema)
    total = sum_profiles(schema, parts)

    assert total == whole == Profile.from_bytes(total.to_bytes())
    assert 0 < total.columns["code"].new_rows < total.columns["code"].unseen_rows
    # the hashes are of the schema, not of each profile
    assert str(schema.columns[0].further).encode() not in total.to_bytes()


def novelty_of(days: int, codes: int, fresh: int = 0):
    tables = [
        day_of([f"{code:05}" for code in range(day % 2, codes, 2)] + [f"new {day}"] * (day < fresh), [0.0] * rows)
        for day in range(days)
        for rows in [len(range(day % 2, codes, 2)) + (day < fresh)]
    ]
    at = pa.chunked_array([pa.array([date(2024, 1, 1 + day)] * len(table)) for day, table in enumerate(tables)])
    whole = pa.concat_tables(tables)
    return measure_novelty(pin_schema(SPEC, whole), whole, at)["code"]


@pytest.mark.parametrize(
    ("days", "codes", "fresh", "expected"),
    [
        pytest.param(8, 40, 0, True, id="few-codes"),
        pytest.param(8, 3_000, 0, True, id="beyond-the-vocabulary"),
        pytest.param(6, 40, 0, False, id="few-days"),
        pytest.param(8, 40, 1, False, id="new-on-one-day"),
        pytest.param(8, 23_000, 0, False, id="more-than-are-pinned"),
    ],
)
def test_vocabulary_is_closed_if_no_value_occurs_on_one_day_alone(days, codes, fresh, expected):
    assert novelty_of(days, codes, fresh).is_closed is expected


@pytest.mark.parametrize(
    ("days", "reason"),
    [
        pytest.param([["a", "b"]] * 7, "", id="closed"),
        pytest.param([["a", "b"]] * 6, "its values are known of 6 days, fewer than 7", id="few"),
        pytest.param(
            [["a", "b"]] * 6 + [["a", "c"]], "open vocabulary: 1 of 3 values occur on one day alone", id="open"
        ),
        pytest.param([["a"]] * 499 + [["b"]], "", id="one-in-500-days"),
        pytest.param([[f"{code}" for code in range(1_200)]] * 7, "", id="more-than-are-named"),
        pytest.param(
            [[f"{code}" for code in range(21_001)]] * 7, "more values than the 21,000 that are pinned", id="more"
        ),
    ],
)
def test_a_vocabulary_is_closed_if_new_days_add_nothing_to_it(days, reason):
    rows = pa.concat_tables([day_of(codes, [0.0] * len(codes)) for codes in days])
    of_rows = [date(2024, 1, 1) + timedelta(days=at) for at, codes in enumerate(days) for _ in codes]
    found = measure_novelty(pin_schema(SPEC, rows), rows, pa.chunked_array([pa.array(of_rows)]))["code"]

    assert (found.why_open, found.is_closed) == (reason, not reason)
