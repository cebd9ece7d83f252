"""Days of a zone as half-open intervals of UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.partition import DAY, Partition, day_of, days_between, start_of

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Kiritimati"]
DAYS = st.dates(date(2000, 1, 1), date(2035, 12, 31))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day", "start", "end"),
    [
        pytest.param("UTC", date(2026, 3, 29), "2026-03-29 00:00", "2026-03-30 00:00", id="UTC"),
        pytest.param("Europe/Berlin", date(2026, 3, 28), "2026-03-27 23:00", "2026-03-28 23:00", id="winter"),
        pytest.param("Europe/Berlin", date(2026, 3, 29), "2026-03-28 23:00", "2026-03-29 22:00", id="23 hours"),
        pytest.param("Europe/Berlin", date(2026, 3, 30), "2026-03-29 22:00", "2026-03-30 22:00", id="summer"),
        pytest.param("Europe/Berlin", date(2026, 10, 25), "2026-10-24 22:00", "2026-10-25 23:00", id="25 hours"),
        pytest.param(
            "America/New_York", date(2026, 11, 1), "2026-11-01 04:00", "2026-11-02 05:00", id="west, 25 hours"
        ),
        pytest.param("America/New_York", date(2026, 3, 8), "2026-03-08 05:00", "2026-03-09 04:00", id="west, 23 hours"),
        pytest.param("Asia/Kolkata", date(2026, 3, 29), "2026-03-28 18:30", "2026-03-29 18:30", id="half hours"),
        pytest.param("Pacific/Kiritimati", date(2026, 3, 29), "2026-03-28 10:00", "2026-03-29 10:00", id="far east"),
        # midnight is skipped: the day begins when the clocks do
        pytest.param("America/Sao_Paulo", date(2018, 11, 4), "2018-11-04 03:00", "2018-11-05 02:00", id="no midnight"),
        # 23:00 to 24:00 comes twice
        pytest.param("America/Sao_Paulo", date(2018, 2, 17), "2018-02-17 02:00", "2018-02-18 03:00", id="twice"),
    ],
)
def test_a_day_is_the_interval_between_two_midnights_of_its_zone(zone, day, start, end):
    partition = Partition.of_day("m", day, zone)

    assert (partition.start, partition.end) == (moment(start), moment(end))
    assert (partition.day, partition.key, partition.zone) == (day, day.isoformat(), zone)
    assert partition.is_one_day
    assert partition == Partition.from_key("m", day.isoformat(), zone)


def test_hours_tell_a_day_on_which_the_clocks_change():
    days = days_between("m", date(2026, 3, 28), date(2026, 3, 30), "Europe/Berlin")

    assert [day.hours for day in days] == [24, 23, 24]
    assert Partition.of_day("m", date(2026, 10, 25), "Europe/Berlin").hours == 25


@given(day=DAYS, zone=st.sampled_from(ZONES), shift=st.integers(-400, 400))
def test_shifting_moves_by_days_of_the_calendar(day, zone, shift):
    shifted = Partition.of_day("m", day, zone).shift(shift)

    assert shifted == Partition.of_day("m", day + shift * DAY, zone)


@given(day=DAYS, zone=st.sampled_from(ZONES))
def test_days_follow_each_other_without_gap_or_overlap(day, zone):
    today = Partition.of_day("m", day, zone)

    assert today.end == today.shift(1).start
    assert day_of(today.start, zone) == day_of(today.end - timedelta(microseconds=1), zone) == day


def test_several_days_stay_several_days_when_shifted():
    week = Partition("m", start_of(date(2026, 3, 27), "Europe/Berlin"), start_of(date(2026, 4, 3), "Europe/Berlin"))
    local = Partition("m", week.start, week.end, "Europe/Berlin")

    assert not local.is_one_day
    assert local.shift(7).end == start_of(date(2026, 4, 10), "Europe/Berlin")


def test_a_partition_that_begins_within_a_day_keeps_its_time_of_the_day():
    hour = Partition("m", moment("2026-03-01 05:00"), moment("2026-03-01 06:00"))

    assert hour.shift(2) == Partition("m", moment("2026-03-03 05:00"), moment("2026-03-03 06:00"))


def test_a_day_that_a_zone_has_skipped_is_refused():
    with pytest.raises(ConfigError, match="start before it ends"):
        Partition.of_day("m", date(2011, 12, 30), "Pacific/Apia")
