"""What is marked when versions of a model come and go."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from airflow_mlmon.drift.versions import days_alike, mix_distance, version_marks

FIRST = date(2026, 3, 1)


def marks(*all_days: dict[str, int]) -> dict[int, str]:
    days = {FIRST + timedelta(days=offset): counts for offset, counts in enumerate(all_days)}
    return {(day - FIRST).days: mark for day, mark in version_marks(days).items()}


V1, V2 = {"v1": 1000}, {"v2": 1000}


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        pytest.param([V1, V1, V1], {}, id="nothing"),
        pytest.param([V1, V2], {1: "v2 appears and takes the lead, 100 % of the rows"}, id="switched-at-midnight"),
        pytest.param(
            [V1, {"v1": 480, "v2": 520}, V2, V2], {1: "v2 appears and takes the lead, 52 % of the rows"}, id="at-noon"
        ),
        pytest.param(
            [V1, {"v1": 520, "v2": 480}, V2],
            {1: "v2 appears, 48 % of the rows", 2: "v2 takes the lead, 100 % of the rows"},
            id="after-noon",
        ),
        pytest.param(
            [V1, {"v1": 950, "v2": 50}, {"v1": 950, "v2": 50}, V1],
            {1: "v2 appears, 5 % of the rows", 3: "v2 is withdrawn"},
            id="canary-withdrawn",
        ),
        pytest.param(
            [V1, {"v1": 950, "v2": 50}, {"v1": 480, "v2": 520}, V2, {"v1": 600, "v2": 400}, V1],
            {
                1: "v2 appears, 5 % of the rows",
                2: "v2 takes the lead, 52 % of the rows",
                4: "v1 leads again, 60 % of the rows",
            },
            id="canary-deployed-rolled-back",
        ),
        pytest.param(
            [V1, {"v1": 950, "v2": 50}, V1, {"v1": 900, "v2": 100}],
            {1: "v2 appears, 5 % of the rows", 2: "v2 is withdrawn", 3: "v2 is back, 10 % of the rows"},
            id="canary-tried-again",
        ),
        pytest.param([V1, {}, V1], {}, id="night-without-rows"),
        pytest.param([V2, {"v2": 9999, "v1": 1}], {}, id="one-leftover-row"),
        pytest.param([V1, {"{0} 5 %": 1}], {1: "{0} 5 % appears and takes the lead, 100 % of the rows"}, id="any-name"),
    ],
)
def test_marks_are_what_people_look_for(days, expected):
    assert marks(*days) == expected


def test_days_are_alike_where_the_same_versions_served_the_same_shares():
    days = {date(2026, 3, 1): V1, date(2026, 3, 2): {"v1": 50, "v2": 50}, date(2026, 3, 3): {}}

    assert days_alike(days, {"v1": 99, "v2": 1}) == {date(2026, 3, 1), date(2026, 3, 3)}
    assert days_alike(days, {}) == set(days)


def test_distance_of_mixes_is_symmetric():
    assert mix_distance({"v1": 3, "v2": 1}, {"v2": 5}) == mix_distance({"v2": 5}, {"v1": 3, "v2": 1}) == 0.75
