from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from xml.etree import ElementTree as ET

import pytest

from airflow_mlmon.profiles.columns.histogram import Histogram
from airflow_mlmon.reports.charts import Trend, TrendPoint, before_after, intervals, trend
from airflow_mlmon.reports.svg import path
from airflow_mlmon.tasks.outcome_table import OutcomePoint
from tests.support.hostile import HOSTILE
from tests.support.pages import category_bins, numeric_bins

FIRST = date(2013, 3, 1)


def series(values, **changed) -> Trend:
    points = [
        TrendPoint(day=FIRST + timedelta(days=rank), value=value, low=0.1, high=0.3, breach=bool(value and value > 0.3))
        for rank, value in enumerate(values)
    ]
    return Trend(**({"title": "mean score", "points": tuple(points)} | changed))


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - our own


POINTS = [
    OutcomePoint(name="below 1", value=0.5, low=0.2, high=0.8, expected=0.1),
    OutcomePoint(name="from 1", value=None),
]


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in parsed(svg).iter("text")]


@pytest.mark.parametrize(
    "svg",
    [
        pytest.param(lambda: before_after(numeric_bins(0.5), "wind"), id="numeric"),
        pytest.param(lambda: before_after(category_bins(), "origin"), id="category"),
        pytest.param(lambda: trend(series([0.2, None, 0.4] * 9)), id="trend"),
        pytest.param(lambda: intervals(POINTS, "mean residual", percent=False), id="intervals"),
    ],
)
class TestEveryChart:
    def test_chart_is_the_same_each_time(self, svg):
        assert svg() == svg()

    def test_chart_is_well_formed_small_and_without_ids(self, svg):
        drawn = svg()

        parsed(drawn)
        assert len(drawn) < 10_000
        assert not re.search(r"\bid=|url\(|<style|<defs|<metadata|<\?xml|<!DOCTYPE|xlink", drawn)

    def test_chart_names_itself_to_those_who_do_not_see_it(self, svg):
        root = parsed(svg())

        assert root.get("role") == "img"
        assert root.get("aria-label") == root.findtext("title") != ""


def test_before_after_writes_the_categories_below():
    assert texts(before_after(category_bins(("EWR", "JFK", "LGA")), "origin")) == ["EWR", "JFK", "LGA"]


def test_before_after_shortens_names_that_do_not_fit():
    names = texts(before_after(category_bins(tuple(f"category {rank}" for rank in range(12))), "c"))

    assert names
    assert max(map(len, names)) <= 5


def test_before_after_draws_twice_the_share_twice_as_high():
    bins = Histogram(labels=("a", "b"), edges=(), reference=(0.5, 0.25), current=(0.25, 0.0))
    root = parsed(before_after(bins, "c"))

    ys = [re.findall(r"(?:V|\d )(\d+(?:\.\d+)?)", path.get("d")) for path in root.iter("path")]
    heights = [max(map(float, bar)) - min(map(float, bar)) for bar in ys[:3]]

    assert heights[0] > 0
    assert heights[0] == pytest.approx(2 * heights[1], abs=0.2)
    assert heights[1] == pytest.approx(heights[2], abs=0.2)


@pytest.mark.parametrize("side", ["reference", "current"])
def test_before_after_draws_a_side_without_rows(side):
    bins = Histogram(labels=("a",), edges=(), **({"reference": (1.0,), "current": (1.0,)} | {side: (0.0,)}))

    assert texts(before_after(bins, "c")) == ["a"]


def test_before_after_draws_nothing_of_nothing():
    parsed(before_after(Histogram(labels=(), edges=(), reference=(), current=()), "c"))


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_before_after_keeps_hostile_text_as_text(text):
    root = parsed(before_after(category_bins((text, "b")), text or "c"))

    assert {element.tag for element in root.iter()} == {"svg", "title", "g", "path", "text"}
    assert not root.findall(".//*[@onload]")


def test_trend_marks_each_breach_and_says_so():
    drawn = trend(series([0.2, 0.4, 0.2, 0.5]))

    (marks,) = (group for group in parsed(drawn).iter("g") if "--breach" in group.get("style", ""))
    assert len(marks.findall("path")) == 2
    assert "mean score over 4 days, 2 outside" in drawn


def test_trend_leaves_a_gap_where_there_is_no_value():
    drawn = parsed(trend(series([0.2, 0.3, None, 0.2, 0.2])))

    (line,) = (path for path in drawn.iter("path") if "fill:none;stroke:var(--current" in path.get("style", ""))
    assert line.get("d", "").count("M") == 2


def test_trend_shows_a_day_between_two_gaps():
    assert trend(series([None, 0.2, None])).count("fill:var(--current") == 1


@pytest.mark.parametrize("values", [[], [None], [None, None], [0.2], [0.0, 0.0]], ids=str)
def test_trend_is_drawn_with_hardly_any_values(values):
    parsed(trend(series(values)))


def test_trend_without_limits_has_no_band():
    points = (TrendPoint(day=FIRST, value=0.2), TrendPoint(day=FIRST + timedelta(days=1), value=0.3))

    assert "--limit" not in trend(Trend(title="rows", points=points))


def test_trend_shows_what_was_expected_where_there_are_no_limits():
    points = [TrendPoint(day=FIRST + timedelta(days=rank), value=0.2 + rank, expected=0.5) for rank in range(3)]
    with_expected = trend(Trend(title="late rate", points=tuple(points)))
    without = trend(Trend(title="late rate", points=tuple(replace(point, expected=None) for point in points)))

    assert "--reference" in with_expected
    assert "--reference" not in without


def test_lines_along_an_axis_name_one_coordinate_and_go_where_they_went():
    assert path([(1, 2), (3, 2), (3, 2), (3, 5.04), (4, 6)], closed=True) == "M1 2H3V5L4 6z"


def test_trend_counts_days_and_shows_percent():
    shown = texts(trend(series([0.1, 0.2, 0.3], unit="%")))

    assert shown[:3] == ["1 Mar", "2 Mar", "3 Mar"]
    assert any(text.endswith(" %") for text in shown)
