"""Metrics of performance of a day, each with its interval and the score of the best constant."""

from __future__ import annotations

from dataclasses import replace

from bs4 import BeautifulSoup

from airflow_mlmon.records import MetricValue
from airflow_mlmon.reports.page import render_day
from airflow_mlmon.reports.wording import NONE
from tests.support.pages import alerting_page


def table_of(*metrics: MetricValue) -> dict[str, list[str]]:
    page = BeautifulSoup(render_day(replace(alerting_page(), metrics=metrics)), "html.parser")
    section = page.find("h2", string="Performance").parent
    table = section.find("table")
    if table.find("th").text != "This day":
        return {}
    return {row.td.text: [cell.text.strip() for cell in row.find_all("td")[1:]] for row in table.tbody.find_all("tr")}


def test_each_metric_has_its_interval_and_the_score_of_the_best_constant():
    accuracy = MetricValue(metric="accuracy", value=0.87, rows=900, low=0.85, high=0.89, constant=0.62)
    precision = MetricValue(metric="precision", value=None, rows=900, reason="no row was predicted positive")

    shown = table_of(precision, accuracy)
    assert shown["accuracy"] == ["0.870", "0.850 to 0.890", "0.620", "900", ""]
    assert shown["precision"] == [NONE, NONE, NONE, "900", "no row was predicted positive"]
    assert list(shown) == ["accuracy", "precision"], "those without a value come last"


def test_there_is_no_such_table_before_labels_have_come():
    assert table_of(MetricValue(metric="accuracy", value=None, rows=0, reason="0 of 900 labels received")) == {}
