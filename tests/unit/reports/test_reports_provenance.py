"""Evidence on a day's page: files with their hashes, and the log of the run."""

from __future__ import annotations

from bs4 import BeautifulSoup

from airflow_mlmon.reports.page import render_day
from tests.support.pages import alerting_page, partition_state

LOG = "https://airflow.example/dags/flights/runs/manual__1"


def test_provenance_has_the_whole_checksum_of_each_file():
    assert "9b1c" * 16 in render_day(alerting_page())


def test_page_leads_to_the_log_of_a_run_in_airflow_and_to_none_of_one_by_hand():
    in_airflow, by_hand = (
        BeautifulSoup(render_day(alerting_page(state=partition_state(log=log))), "html.parser") for log in (LOG, "")
    )

    assert [link.get_text() for link in in_airflow.select(f'a[href="{LOG}"]')] == ["Log", "the run in Airflow"]
    assert "the run in Airflow" not in by_hand.get_text()
