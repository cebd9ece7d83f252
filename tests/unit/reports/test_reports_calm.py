"""What a healthy day's page does not say: nothing that looks wrong, empty or undeclared."""

from __future__ import annotations

from dataclasses import replace

from bs4 import BeautifulSoup

from airflow_mlmon.records import MetricValue, VerdictState
from airflow_mlmon.reports.page import render_day
from airflow_mlmon.reports.wording import NOT_ENOUGH
from tests.support.pages import LABELS, alerting_page, evaluated, healthy_page


def page_of(page) -> BeautifulSoup:
    return BeautifulSoup(render_day(page), "html.parser")


def unknown(metric: str, column: str, note: str):
    return evaluated(
        metric, column, value=None, state=VerdictState.INSUFFICIENT_DATA, rule="as expected", p_value=None,
        effect=None, history=None, note=note,
    )  # fmt: skip


def test_banner_bears_the_state_of_the_day_and_the_data_theirs_in_a_tile():
    found = page_of(alerting_page())

    assert found.select_one(".banner .status").get_text() == "alerting"
    assert found.select_one(".tiles div").get_text(" ", strip=True) == "data PARTIAL"


def test_table_of_columns_has_no_cells_that_only_say_that_data_is_missing():
    lacking = [unknown("null_rate", name, f"{count} values, fewer than 30") for name, count in (("a", 3), ("b", 12))]
    found = page_of(healthy_page(verdicts=(evaluated("null_rate", "c"), *lacking)))

    table = next(one for one in found.select("table") if one.th.get_text() == "Column")
    assert [row.td.get_text() for row in table.select("tbody tr")] == ["c"]
    assert NOT_ENOUGH not in table.get_text()
    assert "Not enough data for the null rate of a, b: 3 values, fewer than 30" in found.get_text()


def test_metrics_of_all_rows_without_enough_data_are_folded():
    unknowns = replace(unknown("positive_rate", "", "history 4 of 14"), column=None)
    found = page_of(healthy_page(verdicts=(evaluated("rows"), unknowns)))

    assert "Not enough data for 1 verdict on all rows" in found.select_one("details summary").get_text()


def test_share_of_excluded_rows_is_shown_only_where_outcomes_are_excluded():
    excluded = MetricValue(metric="excluded_share", value=0.0, rows=979)
    verdicts = (evaluated("excluded_share"),)
    plain = LABELS.model_copy(update={"excluded": ()})

    with_it, without = (
        page_of(healthy_page(labels=labels, metrics=(excluded,), verdicts=verdicts, performance=())).get_text()
        for labels in (LABELS, plain)
    )

    assert "cancelled rate" in with_it
    assert "cancelled" not in without
    assert "excluded rate" not in without
