from __future__ import annotations

from datetime import date

import pytest

from include.demo.window import Window, choose_window


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        pytest.param(None, None, (date(2013, 3, 1), date(2013, 3, 14)), id="default"),
        pytest.param("2013-09-05", None, (date(2013, 9, 5), date(2013, 9, 18)), id="first-only"),
        pytest.param(None, "2013-09-18", (date(2013, 9, 5), date(2013, 9, 18)), id="last-only"),
        pytest.param(None, "2013-03-03", (date(2013, 3, 1), date(2013, 3, 3)), id="last-only-in-the-first-days"),
        pytest.param("2013-12-30", None, (date(2013, 12, 30), date(2013, 12, 31)), id="end-of-the-year"),
        pytest.param("2013-07-01", "2013-07-01", (date(2013, 7, 1), date(2013, 7, 1)), id="one-night"),
    ],
)
def test_window_is_filled_up_to_a_fortnight(first, last, expected):
    window = choose_window(first, last)

    assert (window.first, window.last) == expected


@pytest.mark.parametrize(
    ("first", "last", "message"),
    [
        pytest.param("2013-02-01", None, "between 2013-03-01 and 2013-12-31", id="before-service"),
        pytest.param("2013-12-30", "2014-01-02", "between 2013-03-01 and 2013-12-31", id="after-the-year"),
        pytest.param("2013-05-02", "2013-05-01", "2013-05-02 to 2013-05-01", id="backwards"),
        pytest.param("May", None, "'May' is not a day", id="no-day"),
    ],
)
def test_wrong_window_is_refused_with_the_reason(first, last, message):
    with pytest.raises(ValueError, match=message):
        choose_window(first, last)


def test_days_are_counted_with_both_ends():
    assert Window(first=date(2013, 3, 1), last=date(2013, 3, 14)).days == 14
