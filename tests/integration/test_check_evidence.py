"""Inferred checks through a whole day: Great Expectations states their results, and the metrics decide."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from bs4 import BeautifulSoup

from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.pages.pages import PAGE
from airflow_mlmon.records import CheckOutcome, Status
from airflow_mlmon.spec.choices import Severity
from tests.support.base_day import FIRST, ROWS, BaseArchive, day_table, run_day

EMPTY = 40
UNEVALUATED = ("reference:\n", "alerts:\n  evaluation: {rate: 0}\nreference:\n")
NOT_NULL = "expect_column_values_to_not_be_null"


@pytest.fixture
def archive(tmp_path: Path) -> BaseArchive:
    """A day on which a fifth of the amounts are empty, and 14 days on which none is."""
    archive = BaseArchive(tmp_path)
    table = day_table(FIRST)
    amounts = [None] * EMPTY + table.column("amount").to_pylist()[EMPTY:]
    archive.write_day(FIRST, table.set_column(table.column_names.index("amount"), "amount", pa.array(amounts)))
    return archive


def not_null(checks: list[CheckOutcome]) -> CheckOutcome:
    [found] = [check for check in checks if (check.expectation, check.column) == (NOT_NULL, "amount")]
    return found


def test_a_failed_inferred_check_is_named_by_the_alert_on_the_null_rate_and_beside_it_on_the_page(archive):
    with archive.opened() as run:
        partition = run.partition(FIRST)
        run_partition(run, partition)
        found, alerts = not_null(run.store.checks(partition)), run.store.alerts("m", FIRST, FIRST)
        page = BeautifulSoup(run.files.read(run.report_uri(partition.key, PAGE)), "html.parser")
        state = run.store.state(partition)

    assert (found.passed, found.unexpected, found.severity) == (False, EMPTY, Severity.RECORDED)
    assert state.status is Status.OK
    assert not [alert for alert in alerts if alert.metric.startswith("check.")]
    [text] = [alert.text for alert in alerts if (alert.metric, alert.column) == ("null_rate", "amount")]
    assert f"; check column values to not be null of amount: {EMPTY} of {ROWS} rows" in text
    [row] = [
        [" ".join(cell.get_text().split()) for cell in line.select("td")]
        for line in page.select("tr")
        if [cell.get_text() for cell in line.select("td")[:2]] == [NOT_NULL, "amount"]
    ]
    assert row[4] == "failed recorded"
    assert row[5].startswith("null rate 20.0 %: outside expected range, p")


def test_by_itself_a_failed_inferred_check_alerts_no_one(archive):
    with archive.opened(UNEVALUATED) as run:
        state = run_day(run, FIRST)
        alerts = run.store.alerts("m", FIRST, FIRST)

        assert not_null(run.store.checks(run.partition(FIRST))).passed is False
        assert (state.status, alerts) == (Status.OK, [])


def test_a_written_check_is_one_incident_with_the_null_rate(archive):
    check = f"{{expectation: {NOT_NULL}, column: amount}}"
    with archive.opened(("reference:\n", f"quality:\n  - {check}\nreference:\n")) as run:
        run_day(run, FIRST)
        alerts = run.store.alerts("m", FIRST, FIRST)

    causes = {alert.metric: alert.cause for alert in alerts if alert.column == "amount"}
    assert causes[f"check.{NOT_NULL}"] == causes["null_rate"]
