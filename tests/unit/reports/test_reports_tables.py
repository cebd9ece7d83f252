"""Tables of the kind of model on a day's page."""

from __future__ import annotations

from dataclasses import replace

from bs4 import BeautifulSoup

from airflow_mlmon.reports.charts import intervals
from airflow_mlmon.reports.page import ShownTable, render_day
from airflow_mlmon.reports.wording import NONE
from airflow_mlmon.tasks.outcome_table import OutcomePoint, OutcomeTable
from tests.support.hostile import SCRIPT
from tests.support.pages import alerting_page

TABLE = OutcomeTable(
    title="Late rate by score",
    columns=("Score", "Rows", "Late", "Mean score"),
    rows=(("below 0.5", 1234, 0.123, 0.25), (SCRIPT, 0, None, None)),
    note="Calibrated scores lie on the grey marks.",
    shares=frozenset({"Late"}),
    shades=((0.0, 1.0, 0.5), (0.0, 0.0, 0.0)),
    points=(OutcomePoint(name="below 0.5", value=0.123, low=0.1, high=0.15, expected=0.25),),
    axis="late rate",
    is_share=True,
)


def section(table: OutcomeTable) -> BeautifulSoup:
    picture = intervals(table.points, table.axis, percent=table.is_share) if table.points else None
    page = BeautifulSoup(
        render_day(replace(alerting_page(), tables=(ShownTable(table=table, picture=picture),))), "html.parser"
    )
    return page.find("h2", string="Performance").parent


def test_cells_are_counts_shares_numbers_and_dashes():
    rows = [
        [cell.get_text() for cell in row.find_all("td")] for row in section(TABLE).find_all("table")[-1].find_all("tr")
    ]

    assert rows[1:] == [["below 0.5", "1,234", "12.3 %", "0.250"], [SCRIPT, "0", NONE, NONE]]


def test_picture_stands_with_its_legend_and_shades_with_their_cells():
    found, plain = section(TABLE), section(replace(TABLE, points=(), shades=()))

    assert "late rate of this day, with its 95 % interval" in found.get_text()
    assert [len(one.find_all("svg")) for one in (found, plain)] == [1, 0]
    assert ["60%" in str(one) for one in (found, plain)] == [True, False]
