"""Ranges of days that are asked for while nothing of them can change."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.support.archive import FIRST
from tests.support.runs import local_archive, opened


def day(offset: int) -> date:
    return FIRST + timedelta(days=offset)


@pytest.fixture
def run(tmp_path):
    with opened(tmp_path, local_archive(tmp_path, days=1)) as run:
        yield run


@pytest.fixture
def read():
    asked = []

    def numbers(_: str, first: date, last: date, *_arguments: object) -> dict[date, int]:
        asked.append(((first - FIRST).days, (last - FIRST).days))
        days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
        return {found: (found - FIRST).days for found in days}

    numbers.asked = asked
    return numbers


def numbers_of(run, read, first: int, last: int, *arguments: str) -> list[int]:
    return list(run.ask_days(read, day(first), day(last), *arguments, day_of=lambda key: key).values())


@pytest.mark.parametrize(
    ("ranges", "asked"),
    [
        pytest.param([(5, 9), (6, 8)], [(5, 9)], id="within"),
        pytest.param([(5, 9), (4, 8)], [(5, 9), (4, 4)], id="one day earlier"),
        pytest.param([(5, 9), (7, 11)], [(5, 9), (10, 11)], id="later"),
        pytest.param([(5, 6), (3, 9)], [(5, 6), (3, 4), (7, 9)], id="around"),
        pytest.param([(5, 6), (7, 8), (5, 8)], [(5, 6), (7, 8)], id="adjacent"),
        pytest.param([(5, 6), (9, 9), (5, 6)], [(5, 6), (9, 9), (5, 6)], id="apart"),
    ],
)
def test_only_days_that_are_not_known_are_read(run, read, ranges, asked):
    with run.asking_once():
        found = [numbers_of(run, read, *one) for one in ranges]

    assert found == [list(range(first, last + 1)) for first, last in ranges]
    assert read.asked == asked


def test_other_arguments_are_asked_apart(run, read):
    with run.asking_once():
        numbers_of(run, read, 1, 3, "rows")
        numbers_of(run, read, 1, 3, "accuracy")

    assert read.asked == [(1, 3), (1, 3)]


def test_days_are_read_anew_where_they_may_change(run, read):
    numbers_of(run, read, 1, 3)
    numbers_of(run, read, 1, 3)
    with run.asking_once():
        numbers_of(run, read, 1, 3)
    with run.asking_once():
        numbers_of(run, read, 1, 3)

    assert read.asked == [(1, 3)] * 4
