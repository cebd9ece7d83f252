"""What leaves: no CSV that a sheet would run, and no word to anybody that nobody asked for."""

from __future__ import annotations

import ast
import socket

import pytest

from airflow_mlmon.quality.great_expectations import validate
from airflow_mlmon.quality.known import Known
from airflow_mlmon.reports.evidently import write_evidently
from airflow_mlmon.spec.quality import Check
from tests.support.evidently import flights_frame, flights_spec
from tests.support.guards import PACKAGE, modules
from tests.support.table_rows import TableRows

_WRITERS = {"to_csv", "write_csv", "DictWriter", "CSVWriter", "to_excel"}


@pytest.mark.guards("attack-formula")
def test_no_sheet_is_written():
    """What is exported is JSON, JSON Lines, Parquet and HTML, none of which has formulas."""
    named = {
        f"{path.relative_to(PACKAGE)}:{node.lineno} {ast.unparse(node)}"
        for path in modules(PACKAGE)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and (node.attr in _WRITERS or ast.unparse(node) == "csv.writer")
    }

    assert named == set()


@pytest.mark.guards("attack-telemetry")
def test_nobody_is_told_of_checks_and_reports(monkeypatch):
    asked: list[object] = []
    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, lambda _, *given: asked.append(given), raising=True)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **_: asked.append(given) or [])
    spec, frame = flights_spec(), flights_frame(60)
    check = Check(expectation="expect_column_values_to_not_be_null", column="wind", arguments={})

    outcomes = validate(TableRows.of(frame), [check], Known(spec))
    report = write_evidently(
        current=frame, reference=flights_frame(60, seed=1), drift=[], kinds={}, verdicts={}, spec=spec, title="day"
    )

    assert outcomes[0].passed
    assert report.html
    assert asked == []
