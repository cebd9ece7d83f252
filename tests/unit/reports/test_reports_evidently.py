from __future__ import annotations

import json
import threading

import numpy as np
import pandas as pd
import pytest

from airflow_mlmon.profiles.schema import Kind
from airflow_mlmon.records import VerdictState
from airflow_mlmon.reports import evidently
from airflow_mlmon.reports.evidently import EvidentlyReport, write_evidently
from airflow_mlmon.reports.evidently_script import put_script_in
from tests.support.evidently import flights_frame, flights_spec
from tests.support.hostile import HOSTILE, SCRIPT
from tests.support.pages import drift, evaluated

DRIFT = (
    drift("wind", 0.3),
    drift("temp", 0.1),
    drift("seats", 0.1),
    drift("origin", None, note="12 rows, at least 30 are needed"),
    drift("tail", 0.1),
)

KINDS = dict.fromkeys(("wind", "temp", "seats", "tail"), Kind.NUMERIC) | {"origin": Kind.CATEGORY}
VERDICTS = {
    "wind": evaluated("drift_score", "wind", state=VerdictState.BREACH),
    "temp": evaluated("drift_score", "temp"),
    "tail": evaluated("drift_score", "tail", state=VerdictState.INSUFFICIENT_DATA, p_value=None),
}


def write(current=None, reference=None, scores=DRIFT, title="flights 2013-03-08") -> EvidentlyReport:
    return write_evidently(
        current=flights_frame(300) if current is None else current,
        reference=flights_frame(600, seed=1) if reference is None else reference,
        drift=scores,
        kinds=KINDS,
        verdicts=VERDICTS,
        spec=flights_spec(),
        title=title,
    )


@pytest.fixture(scope="module")
def report() -> EvidentlyReport:
    return write()


@pytest.fixture(scope="module")
def document(report) -> dict:
    return json.loads(report.json)


def metrics(document, name) -> dict[str, dict]:
    found = [metric for metric in document["metrics"] if metric["metric_name"].startswith(f"{name}(")]
    return {metric["config"].get("column"): metric for metric in found}


def statuses(document) -> dict[str, str]:
    return {test["name"]: test["status"] for test in document["tests"]}


def test_our_scores_stand_in_the_report_with_what_the_evaluation_says(document):
    ours = metrics(document, "FullDataDrift")

    assert {column: metric["value"] for column, metric in ours.items()} == {
        "wind": 0.3,
        "temp": 0.1,
        "seats": 0.1,
        "tail": 0.1,
    }
    assert {column: metric["config"]["verdict"] for column, metric in ours.items()} == {
        "wind": "drifted",
        "temp": "not drifted",
        "seats": "",
        "tail": "not enough data",
    }


def test_evidently_measures_and_tests_each_column_itself(document):
    assert set(metrics(document, "ValueDrift")) == {"wind", "temp", "seats", "origin", "late"}
    assert statuses(document)["Value Drift for column temp"] == "SUCCESS"
    assert set(metrics(document, "MissingValueCount")) == {"wind", "temp", "seats", "origin", "late"}
    assert metrics(document, "RowCount")[None]["value"] == 300


def test_columns_that_are_left_out_are_listed_with_the_reason(report):
    assert report.left_out == (
        "id: identifier of the rows",
        "at: time of the event",
        "tail: nearly all values are distinct (900 of 900)",
        "landed: Evidently does not compare times",
        "mail: personal data",
        "origin: 12 rows, at least 30 are needed",
    )


def test_personal_and_identifying_values_are_nowhere(report):
    for part in (report.html, report.json):
        assert b"alice@example.org" not in part
        assert b"N0123" not in part
        assert b"0-123" not in part


def test_page_has_the_title_and_a_policy(report):
    page = report.html.decode()

    assert page.startswith("<!DOCTYPE html>")
    assert "<title>flights 2013-03-08</title>" in page
    assert "default-src 'none'; script-src 'self' 'unsafe-inline'" in page
    assert "samples of 300 rows of the day and 600 rows of the\nreference" in page


def test_script_lies_beside_the_pages_of_all_days(report):
    assert len(report.html) < 1_000_000 < len(report.script)
    assert report.html.count(f'<script src="../{report.script_name}"></script>'.encode()) == 1


def test_page_that_is_served_alone_gets_its_script_back(report):
    files = {report.script_name: report.script}
    page = put_script_in(report.html, files.__getitem__)

    assert page.count(b"<script>" + report.script + b"</script>") == 1
    assert b"<script src" not in page
    assert put_script_in(page, files.__getitem__) == page


@pytest.mark.parametrize(
    ("column", "values", "reason"),
    [
        pytest.param("wind", np.nan, "no values in the day", id="all-null"),
        pytest.param("wind", np.inf, "no values in the day", id="all-infinite"),
        pytest.param("origin", None, "no values in the day", id="no-category"),
    ],
)
def test_column_without_values_is_left_out_and_the_others_stay(column, values, reason):
    report = write(current=flights_frame(300, **{column: values}))

    assert f"{column}: {reason}" in report.left_out
    assert "temp" in metrics(json.loads(report.json), "ValueDrift")


def test_column_that_breaks_evidently_is_left_out_and_the_others_stay():
    report = write(current=flights_frame(300, seats=[np.finfo("float64").max, *[-np.finfo("float64").max] * 299]))

    assert any(reason.startswith("seats: Evidently cannot compute it (") for reason in report.left_out)
    assert set(metrics(json.loads(report.json), "ValueDrift")) == {"wind", "temp", "origin", "late"}


def test_missing_column_is_left_out():
    report = write(current=flights_frame(300).drop(columns="wind"))

    assert "wind: missing from the sample of the day" in report.left_out


def test_report_of_no_comparable_column_still_has_our_scores():
    nothing = flights_frame(300)[["id"]]

    document = json.loads(write(current=nothing, reference=nothing).json)

    assert set(metrics(document, "FullDataDrift")) == {"wind", "temp", "seats", "tail"}


def test_report_of_no_rows_still_has_our_scores():
    document = json.loads(write(current=flights_frame(300).iloc[:0]).json)

    assert set(metrics(document, "FullDataDrift")) == {"wind", "temp", "seats", "tail"}


def test_json_has_no_number_that_json_lacks():
    report = write(current=flights_frame(300, wind=[1.0] * 300), reference=flights_frame(600, wind=[1.0] * 600))

    json.loads(report.json, parse_constant=pytest.fail)


def test_categories_are_capped():
    values = [f"value {row % 120}" for row in range(2_000)]

    report = write(current=flights_frame(2_000, origin=values), reference=flights_frame(2_000, origin=values))

    assert b"(other values)" in report.html
    assert b"value 119" not in report.html


@pytest.mark.guards("attack-evidently")
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_values_and_titles_end_no_script(text, report):
    # a frame of Arrow strings cannot hold half of a surrogate pair, a title can
    value = text.encode(errors="replace").decode()
    current = flights_frame(300, origin=[value, "JFK"] * 150)

    page = write(current=current, title=text).html.decode()

    assert page.count("</script>") == report.html.count(b"</script>")
    assert page.count("<script") == report.html.count(b"<script")


def test_hostile_column_names_end_no_script(report):
    spec = flights_spec()
    columns = {
        SCRIPT: spec.columns["wind"],
        "x" * 10_000: spec.columns["temp"],
        "id": spec.columns["id"],
        "at": spec.columns["at"],
    }
    hostile = spec.model_copy(update={"predictions": spec.predictions.model_copy(update={"columns": columns})})
    names = {"wind": SCRIPT, "temp": "x" * 10_000}

    page = write_evidently(
        current=flights_frame(300).rename(columns=names),
        reference=flights_frame(600, seed=1).rename(columns=names),
        drift=[drift(SCRIPT, 0.1)],
        kinds={},
        verdicts={},
        spec=hostile,
        title="day",
    ).html.decode()

    assert page.count("</script>") == report.html.count(b"</script>")
    assert "window.hacked" in page
    assert "x" * 100 not in page


def test_guard_is_taken_away_even_after_an_error():
    def fail_in_the_guard():
        with evidently._escaped_scripts():
            assert evidently.dashboard.json is not json
            raise KeyError

    with pytest.raises(KeyError):
        fail_in_the_guard()

    assert evidently.dashboard.json is json


def test_reports_written_at_once_are_all_guarded():
    current = flights_frame(100, origin=[SCRIPT, "JFK"] * 50)
    pages: list[bytes] = []
    threads = [threading.Thread(target=lambda: pages.append(write(current=current).html)) for _ in range(3)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [SCRIPT.encode() in page for page in pages] == [False] * 3
    assert evidently.dashboard.json is json


def test_frames_are_left_as_they_are():
    current = flights_frame(100)
    before = current.copy()

    write(current=current)

    pd.testing.assert_frame_equal(current, before)


def test_report_of_a_wide_table_shows_the_columns_with_the_most_drift():
    names = [f"x{number:03d}" for number in range(120)]
    random = np.random.default_rng(0)
    current, reference = (pd.DataFrame({name: random.normal(size=200) for name in names}) for _ in range(2))
    report = write_evidently(
        current=current,
        reference=reference,
        drift=[drift(name, rank / 1_000) for rank, name in enumerate(names)],
        kinds=dict.fromkeys(names, Kind.NUMERIC),
        verdicts={"x003": evaluated("drift_score", "x003", state=VerdictState.BREACH)},
        spec=flights_spec(),
        title="wide",
    )

    shown = set(metrics(json.loads(report.json), "FullDataDrift"))
    assert shown == {"x003", *names[21:]}
    assert set(metrics(json.loads(report.json), "ValueDrift")) == shown
    assert "20 columns with less drift than the 100 shown" in report.left_out
