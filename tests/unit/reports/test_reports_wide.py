"""The page of a day of many columns shows those with the most drift, and leads to all of them."""

from __future__ import annotations

from bs4 import BeautifulSoup

from airflow_mlmon.records import VerdictState
from airflow_mlmon.reports.charts import before_after
from airflow_mlmon.reports.page import ColumnRow, DayPage, is_wide, render_columns, render_day
from tests.support.pages import check, drift, evaluated, evaluated_page, healthy_page, numeric_bins

NAMES = [f"feature_{number:04d}" for number in range(1_000)]
DRIFTED = set(NAMES[::100])


def wide_page() -> DayPage:
    picture = before_after(numeric_bins(0.2), "x")
    return evaluated_page(
        columns=tuple(ColumnRow(score=drift(name, 0.1), picture=picture) for name in NAMES),
        verdicts=tuple(
            evaluated(
                metric,
                name,
                state=VerdictState.BREACH if name in DRIFTED and metric == "drift_score" else VerdictState.OK,
                effect=0.3 if name in DRIFTED else 0.1,
            )
            for metric in ("drift_score", "null_rate")
            for name in NAMES
        ),
        checks=tuple(
            check(expectation, name, expected="between 0 and 1, in at least 97 % of rows", passed=name != NAMES[-1])
            for expectation in ("expect_column_values_to_not_be_null", "expect_column_values_to_be_between")
            for name in NAMES
        ),
    )


def test_page_of_a_thousand_columns_is_small_and_shows_what_drifted():
    html = render_day(wide_page())
    page = BeautifulSoup(html, "html.parser")

    assert len(html.encode()) < 500_000
    cards = [card.h3.get_text() for card in page.select("article.card:has(svg)")]
    assert len(cards) == 60
    assert set(cards) >= DRIFTED
    (checks,) = (table for table in page.select("table") if table.th.get_text() == "Check")
    assert [row.select("td")[1].get_text() for row in checks.select("tbody tr")[:2]] == [NAMES[-1]] * 2
    assert len(checks.select("tbody tr")) == 100
    assert {link["href"] for link in page.select('a[href="columns.html"]')} == {"columns.html"}


def test_all_columns_and_checks_have_a_row_on_a_page_of_their_own():
    page = BeautifulSoup(render_columns(wide_page()), "html.parser")

    drifts, verdicts, checks = (table.select("tbody tr") for table in page.select("table"))
    assert [len(drifts), len(verdicts), len(checks)] == [1_000, 1_000, 2_000]
    assert {row.td.get_text() for row in drifts[:10]} == DRIFTED
    assert page.select_one("nav a")["href"] == "report.html"
    assert page.select("svg, script") == []


def test_page_of_few_columns_shows_them_all():
    page = healthy_page()

    assert not is_wide(page)
    assert "columns.html" not in render_day(page)
