"""Which days the index lists, and which are in its calendar alone."""

from __future__ import annotations

from dataclasses import replace

from bs4 import BeautifulSoup

from airflow_mlmon.reports.index import render_index
from tests.support.pages import index_page


def test_days_that_are_not_listed_any_more_are_in_the_calendar():
    page = index_page(14)
    since = sorted(day.state.partition.day for day in page.days)[10]
    found = BeautifulSoup(render_index(replace(page, listed_since=since)), "html.parser")

    assert len(found.select(".calendar .day")) == 14
    assert "Last 4 days" in found.get_text()
    assert len(found.select("table")[-1].select("tbody tr")) == 4
