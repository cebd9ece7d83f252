"""The heat map of drift by column and day."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from functools import partial

import pytest
from bs4 import BeautifulSoup

from airflow_mlmon.records import Verdict, VerdictState
from airflow_mlmon.reports.heat import MAX_COLUMNS, MAX_DAYS, heat_map
from airflow_mlmon.reports.model import render_model
from airflow_mlmon.spec.evaluation import EvaluationPolicy
from tests.support.hostile import SCRIPT
from tests.support.pages import evaluated, model_page

FIRST = date(2013, 3, 1)
POLICY = EvaluationPolicy()


def days(number: int) -> list[date]:
    return [FIRST + timedelta(days=offset) for offset in range(number)]


def found(column: str, effect: float | None, **changed) -> Verdict:
    """The verdict on a column, in breach from the smallest effect that matters on; None of not enough data."""
    if effect is None:
        return evaluated("drift_score", column, value=None, effect=None, p_value=None, history=None,
                             state=VerdictState.INSUFFICIENT_DATA, note="12 values, fewer than 30")  # fmt: skip
    state = VerdictState.BREACH if effect >= POLICY.effect else VerdictState.OK
    return evaluated("drift_score", column, **{"value": 0.3, "effect": effect, "state": state, **changed})


def heat_of(number: int, verdicts, hrefs=None):
    return heat_map(days(number), verdicts, hrefs or {}, POLICY)


def page_with(heat) -> BeautifulSoup:
    return BeautifulSoup(render_model(replace(model_page(5), heat=heat)), "html.parser")


def test_a_row_holds_every_day_once():
    effects = [0.05, 0.09, None, 0.15, 0.9, 0.01]
    values = [(day, found("temp", effect)) for day, effect in zip(days(6), effects, strict=True)]

    (row,) = heat_of(6, values).rows

    assert row.strokes == {0: "M0 5h1M5 5h1", 1: "M1 5h1", None: "M2 5h1"}
    assert [(cell.at, cell.shade) for cell in row.drifted] == [(3, 2), (4, 4)]
    assert (row.evaluated, row.worst.day) == (5, days(6)[4])


def test_a_large_effect_that_chance_explains_is_shaded_and_no_drift():
    values = [(day, found("temp", 0.3, state=VerdictState.OK, p_value=0.2)) for day in days(2)]

    (row,) = heat_of(3, values).rows

    assert (row.strokes, row.drifted, row.worst.strength) == ({3: "M0 5h2", None: "M2 5h1"}, (), pytest.approx(3))


def test_an_effect_without_history_has_to_be_twice_as_large():
    (row,) = heat_of(1, [(FIRST, found("temp", 0.3, history=None))]).rows

    assert row.worst.strength == pytest.approx(1.5)


def test_a_day_without_enough_data_has_no_cell_and_says_why():
    heat = heat_of(3, [(FIRST, found("temp", None))])
    (row,) = heat.rows
    shown = page_with(heat).select_one(".heat tbody tr")

    assert row.strokes == {None: "M0 5h3"}
    assert (row.evaluated, row.worst, row.reason) == (0, None, "not enough data: 12 values, fewer than 30")
    last = shown.select("td")[-1]
    assert (last.get_text().strip(), last["title"]) == ("not enough data", row.reason)
    assert shown.select_one("svg")["aria-label"] == row.reason
    assert "0 of 0" not in shown.get_text(" ")


def test_a_rule_of_the_spec_is_shaded_by_its_limit():
    ruled = partial(
        evaluated, "drift_score", "temp", effect=None, p_value=None, history=None, rule="at most 0.2", high=0.2
    )
    values = [
        (days(2)[0], ruled(value=0.15)),
        (days(2)[1], ruled(value=0.5, state=VerdictState.BREACH)),
    ]

    heat = heat_of(2, values)

    assert heat.rows[0].strokes == {1: "M0 5h1"}
    assert [(cell.at, cell.shade) for cell in heat.rows[0].drifted] == [(1, 3)]
    assert "0.500, at most 0.200" in page_with(heat).select_one(".heat tbody").get_text(" ")


def test_columns_that_drift_most_come_first():
    values = [(FIRST, found(name, effect)) for name, effect in (("a", 0.08), ("b", 0.9), ("c", None), ("d", 0.3))]

    assert [row.column for row in heat_of(1, values).rows] == ["b", "d", "a", "c"]


def test_a_wide_and_long_history_stays_small():
    long = days(400)
    values = [(day, found(f"column {n}", 0.05 + 0.01 * ((n + day.day) % 7))) for day in long for n in range(60)]
    heat = heat_map(long, values, {day: f"{day}/report.html" for day in long}, POLICY)

    html = render_model(replace(model_page(5), heat=heat))

    assert (len(heat.days), len(heat.rows), heat.left_out) == (MAX_DAYS, MAX_COLUMNS, 20)
    assert len(html.encode()) < 500_000
    assert "20 columns with less drift are not shown" in html


def test_a_day_with_drift_leads_to_its_page_and_says_its_effect():
    heat = heat_of(2, [(FIRST, found("temp", 0.5))], {FIRST: "2013-03-01/report.html"})

    link = page_with(heat).select_one(".heat svg a")

    assert link["href"] == "2013-03-01/report.html"
    assert link.get_text() == "2013-03-01: +0.50 (medium)"


def test_a_hostile_column_is_only_text():
    page = page_with(heat_of(1, [(FIRST, found(SCRIPT, 0.5))]))

    assert page.select("script") == []
    assert "window.hacked" in page.select_one(".heat tbody").get_text()


def test_no_scores_draw_no_map():
    assert heat_of(3, []) is None
    assert "Drift by column and day" not in render_model(model_page(5))


def test_shades_differ_in_lightness_too():
    style = page_with(heat_of(1, [(FIRST, found("temp", 0.5))])).style.get_text()
    shades = [next(re.finditer(rf"--h{shade}: #(\w{{6}})", style))[1] for shade in range(5)]
    lightness = [sum(w * int(c[at : at + 2], 16) for w, at in ((0.3, 0), (0.59, 2), (0.11, 4))) for c in shades]

    assert lightness[0] > lightness[1]
    assert lightness[2] > lightness[3] > lightness[4]
