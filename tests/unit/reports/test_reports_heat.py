"""The heat map of drift by column and day."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from bs4 import BeautifulSoup

from airflow_mlmon.records import MetricValue
from airflow_mlmon.reports.heat import MAX_COLUMNS, MAX_DAYS, heat_map
from airflow_mlmon.reports.page import render_index
from tests.support.hostile import SCRIPT
from tests.support.pages import index_page

FIRST = date(2013, 3, 1)


def days(number: int) -> list[date]:
    return [FIRST + timedelta(days=offset) for offset in range(number)]


def drift_score(column: str, score: float | None, limit: float | None = 0.2) -> MetricValue:
    state = "INSUFFICIENT_DATA" if score is None or limit is None else "beyond" if score > limit else "within"
    return MetricValue(
        metric="drift_score", column=column, value=score, rows=900, detail={"limit": limit, "state": state}
    )


def page_with(heat) -> BeautifulSoup:
    return BeautifulSoup(render_index(replace(index_page(5), heat=heat)), "html.parser")


def test_a_row_holds_every_day_once():
    scores = [0.05, 0.15, None, 0.25, 0.9, 0.01]
    values = [(day, drift_score("temp", score)) for day, score in zip(days(6), scores, strict=True)]

    (row,) = heat_map(days(6), values, {}).rows

    assert row.strokes == {0: "M0 5h1M5 5h1", 1: "M1 5h1", None: "M2 5h1"}
    assert [(cell.at, cell.shade) for cell in row.beyond] == [(3, 2), (4, 4)]
    assert (row.judged, row.worst.day) == (5, days(6)[4])


def test_a_day_without_score_or_limit_has_no_verdict():
    (row,) = heat_map(days(3), [(FIRST, drift_score("temp", 0.3, None))], {}).rows

    assert row.strokes == {None: "M0 5h3"}
    assert (row.judged, row.worst, row.reason) == (0, None, "no limit")


@pytest.mark.parametrize(
    ("limit", "note", "shown"),
    [
        (None, "", "no limit"),
        (None, "no limit: too few nights", "no limit: too few nights"),
        (None, "the reference is all null (90 rows)", "no limit: the reference is all null (90 rows)"),
        (0.2, "the partition is all null (12 rows)", "not enough data: the partition is all null (12 rows)"),
    ],
)
def test_a_column_that_no_day_judged_says_why(limit, note, shown):
    detail = {"limit": limit, "state": "INSUFFICIENT_DATA", "note": note}
    value = MetricValue(metric="drift_score", column="temp", value=None, rows=900, detail=detail)

    row = page_with(heat_map(days(2), [(FIRST, value)], {})).select_one(".heat tbody tr")

    assert row.select("td")[-1].get_text().strip() == shown
    assert row.select_one("svg")["aria-label"] == shown
    assert "0 of 0" not in row.get_text(" ")


def test_a_p_value_is_worse_the_smaller_it_is():
    values = [(day, _p_value(value)) for day, value in zip(days(3), (0.5, 0.0099, 1e-9), strict=True)]

    (row,) = heat_map(days(3), values, {}).rows

    assert row.strokes == {0: "M0 5h1"}
    assert [(cell.at, cell.shade) for cell in row.beyond] == [(1, 2), (2, 4)]
    assert row.worst.ratio == pytest.approx(4.5)


def _p_value(value: float) -> MetricValue:
    detail = {"method": "anderson", "limit": 0.01, "state": "beyond" if value < 0.01 else "within"}
    return MetricValue(metric="drift_score", column="temp", value=value, rows=900, detail=detail)


def test_columns_that_drift_most_come_first():
    values = [(FIRST, drift_score(name, score)) for name, score in (("a", 0.1), ("b", 0.9), ("c", None), ("d", 0.3))]

    assert [row.column for row in heat_map(days(1), values, {}).rows] == ["b", "d", "a", "c"]


def test_a_wide_and_long_history_stays_small():
    long = days(400)
    values = [(day, drift_score(f"column {n}", 0.1 + 0.02 * ((n + day.day) % 7))) for day in long for n in range(60)]
    heat = heat_map(long, values, {day: f"{day}/report.html" for day in long})

    html = render_index(replace(index_page(5), heat=heat))

    assert (len(heat.days), len(heat.rows), heat.left_out) == (MAX_DAYS, MAX_COLUMNS, 20)
    assert len(html.encode()) < 500_000
    assert "20 columns with less drift are not shown" in html


def test_a_day_beyond_its_limit_leads_to_its_page_and_says_its_numbers():
    heat = heat_map(days(2), [(FIRST, drift_score("temp", 0.5))], {FIRST: "2013-03-01/report.html"})

    link = page_with(heat).select_one(".heat svg a")

    assert link["href"] == "2013-03-01/report.html"
    assert link.get_text() == "2013-03-01: 0.500, limit 0.200"


def test_a_constant_column_that_changes_has_no_ratio():
    heat = heat_map(days(1), [(FIRST, drift_score("version", 0.4, 0.0))], {})

    assert "0.400 limit 0" in " ".join(page_with(heat).select_one(".heat tbody").get_text(" ").split())


def test_a_hostile_column_is_only_text():
    page = page_with(heat_map(days(1), [(FIRST, drift_score(SCRIPT, 0.5))], {}))

    assert page.select("script") == []
    assert "window.hacked" in page.select_one(".heat tbody").get_text()


def test_no_scores_draw_no_map():
    assert heat_map(days(3), [], {}) is None
    assert "Drift by column and day" not in render_index(index_page(5))


def test_shades_differ_in_lightness_too():
    style = page_with(heat_map(days(1), [(FIRST, drift_score("temp", 0.5))], {})).style.get_text()
    shades = [next(re.finditer(rf"--h{shade}: #(\w{{6}})", style))[1] for shade in range(5)]
    lightness = [sum(w * int(c[at : at + 2], 16) for w, at in ((0.3, 0), (0.59, 2), (0.11, 4))) for c in shades]

    assert lightness[0] > lightness[1]
    assert lightness[2] > lightness[3] > lightness[4]
