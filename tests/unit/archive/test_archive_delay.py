"""How late the files of a day are, and when nobody can know it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airflow_mlmon.archive.layouts.delay import Delay, measure_delay
from airflow_mlmon.storage import StoredObject

END = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)


def files(*hours: float | None) -> list[StoredObject]:
    """Files that came so many hours after END."""
    return [
        StoredObject(f"part-{number}", 1, "e", None if after is None else END + timedelta(hours=after))
        for number, after in enumerate(hours)
    ]


def never(days: int) -> list[StoredObject]:
    raise AssertionError(f"asked for the files of {days} days before")


@pytest.mark.parametrize(
    ("came", "hours"), [((-3, 2.5), 2.5), ((2.5, -3, 1), 2.5), ((-20, -1), 0), ((0,), 0), ((23.9,), 23.9)]
)
def test_the_newest_file_counts_and_none_is_early(came, hours):
    assert measure_delay(files(*came), END, never).hours == pytest.approx(hours)


def test_no_file_and_files_of_unknown_time_have_no_delay_but_a_reason():
    assert [measure_delay(listed, END, never) for listed in ([], files(2, None))] == [
        measure_delay([], END, never),
        measure_delay(files(None), END, never),
    ]
    assert measure_delay([], END, never).reason == "no files"
    assert measure_delay(files(2, None), END, never).reason == "the store does not report when files were written"


def before(**by_day: float):
    """Lists the files of a day before that has some, which came so many hours after END."""
    return lambda days: files(by_day[f"d{days}"]) if f"d{days}" in by_day else []


def test_a_late_day_after_one_on_time_is_late():
    assert measure_delay(files(30), END, before(d1=-22)).hours == 30


def test_a_day_that_is_always_as_late_is_late():
    assert measure_delay(files(50), END, before(d1=26)).hours == 50


@pytest.mark.parametrize("earlier", [30, 29.9, 19, 400])
def test_files_that_came_with_those_of_the_day_before_have_no_delay(earlier):
    found = measure_delay(files(30), END, before(d1=earlier))

    assert (found.hours, found.reason) == (None, "the files arrived together with those of an earlier day")


def test_days_without_files_are_passed_over():
    assert measure_delay(files(300), END, before(d3=299)).hours is None
    assert measure_delay(files(300), END, before(d3=200)).hours == 300


def test_the_first_files_are_late_by_less_than_a_day_or_nobody_knows():
    assert measure_delay(files(23), END, before(d8=-190)).hours == 23
    assert measure_delay(files(24), END, before(d8=-190)) == Delay(
        reason="at least a day late, and no files of the 7 days before to distinguish copies"
    )


def test_after_a_stop_the_first_day_alone_is_late():
    archive = {-1: files(-22), 0: files(74), 1: files(74), 2: files(74)}

    found = [measure_delay(archive[n], END + n * DAY, lambda days, n=n: archive.get(n - days, [])) for n in range(3)]

    assert [one.hours for one in found] == [74, None, None]


def test_no_day_of_a_copied_archive_has_a_delay():
    copied = END + 100 * DAY
    archive = {
        n: [StoredObject("x", 1, "e", copied + timedelta(minutes=n * minutes))]
        for n, minutes in enumerate([0, 7, 3, 9, 1])
    }

    found = [
        measure_delay(archive[n], END + n * DAY, lambda days, n=n: archive.get(n - days, [])).hours for n in archive
    ]

    assert found == [None] * 5
