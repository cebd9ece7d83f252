from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from bs4 import BeautifulSoup

from airflow_mlmon.reports.charts import by_hour
from airflow_mlmon.reports.hours import RowsByHour
from airflow_mlmon.reports.page import render_day
from tests.support.hostile import SCRIPT
from tests.support.pages import healthy_page

ROWS = [10 + hour for hour in range(24)]
EXPECTED = [12.5 + hour for hour in range(24)]


def shapes(chart: str, colour: str) -> int:
    """The number of paths in a colour of the page."""
    styled = [element for element in ET.fromstring(chart).iter() if f"var(--{colour}" in element.get("style", "")]  # noqa: S314 - our own
    return sum(element.tag == "path" for parent in styled for element in parent.iter())


def shown(hours: RowsByHour | None) -> BeautifulSoup:
    return BeautifulSoup(render_day(replace(healthy_page(), hours=hours)), "html.parser")


def test_each_hour_has_a_bar_and_the_expected_rows_a_line():
    chart = by_hour(ROWS, "rows", EXPECTED)

    assert (shapes(chart, "current"), shapes(chart, "reference")) == (24, 1)
    assert "rows by hour: 33 in the busiest" in chart
    assert shapes(by_hour(ROWS, "rows"), "reference") == 0


def test_expected_rows_above_those_of_the_day_fit_the_chart():
    low, high = (by_hour([1] * 24, "rows", [rows] * 24) for rows in (0.5, 50.0))

    assert (">45<" in str(low), ">45<" in str(high)) == (False, True)


@pytest.mark.parametrize(
    ("lack", "told"),
    [
        ("", "expected if the rows of this day had come at the hours of past days"),
        (SCRIPT, "Expected rows are not known: "),
    ],
)
def test_page_shows_the_hours_in_their_zone(lack, told):
    page = shown(RowsByHour(picture=by_hour(ROWS, "rows"), zone="Europe/Berlin", lack=lack))

    card = next(one for one in page.select(".card") if one.h3 and "Rows by hour" in one.h3.get_text())
    assert card.h3.get_text() == "Rows by hour (Europe/Berlin)"
    assert card.svg is not None
    assert told in " ".join(card.get_text(" ").split())
    assert SCRIPT not in str(page)
    assert not page.select("script")


def test_page_without_event_times_has_no_hours():
    assert "Rows by hour" not in shown(None).get_text()
