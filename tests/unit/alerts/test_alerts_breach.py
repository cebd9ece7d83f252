from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_mlmon.alerts.breach import check_alerts, metric_alerts, status_alerts
from airflow_mlmon.causes import Cause, CauseKind
from airflow_mlmon.records import Family, Status, VerdictState
from airflow_mlmon.spec.choices import Severity
from airflow_mlmon.spec.labels import Labels
from airflow_mlmon.tasks.titles import metric_title
from tests.support.published import check, partition, partition_state, verdict

LABELS = Labels(
    path="s3://labels/{date}/", id="id", label="late", excluded=("cancelled", "diverted"), positive_name="late"
)


def alerts_of(*verdicts, labels=LABELS):
    return metric_alerts(partition(), Family.PREDICTIONS, verdicts, labels)


def test_a_breach_says_what_how_much_and_compared_with_what():
    [alert] = alerts_of(verdict())

    assert alert.title == "mean score above its limit"
    assert alert.text == "mean score 0.39, expected 0.15 to 0.27 from 28 days"
    assert (alert.metric, alert.column, alert.severity, alert.value) == ("score_mean", None, "warning", 0.39)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        pytest.param(
            {"name": "positive_rate", "low": None, "high": 0.3, "history": None},
            "late rate 39 %, expected at most 30 % by the spec",
            id="positive-name",
        ),
        pytest.param(
            {"name": "excluded_share", "low": 0.0, "high": 0.04},
            "cancelled or diverted rate 39 %, expected 0 % to 4 % from 28 days",
            id="void-names",
        ),
        pytest.param(
            {"name": "rows", "value": 1014.0, "low": 1200.5, "high": None},
            "rows 1,014, expected at least 1,200 from 28 days",
            id="counts",
        ),
        pytest.param(
            {"name": "null_rate", "column": "wind_speed", "value": 0.30004, "low": None, "high": 0.3},
            "null rate of wind_speed 30.004 %, expected at most 30 % from 28 days",
            id="enough-digits",
        ),
    ],
)
def test_a_breach_is_told_in_the_words_of_the_model(changes, text):
    [alert] = alerts_of(verdict(**changes))

    assert alert.text == text


def test_two_breaches_of_one_metric_are_one_alert_of_the_worse_severity():
    fixed = verdict(low=None, high=0.3, history=None, severity="critical")

    [alert] = alerts_of(verdict(), fixed)

    assert alert.severity == "critical"
    assert alert.text == "mean score 0.39, expected at most 0.3 by the spec; 0.39, expected 0.15 to 0.27 from 28 days"


@pytest.mark.parametrize(
    ("changes", "title", "text"),
    [
        pytest.param(
            {},
            "mean score above its expected range",
            "mean score 0.39, expected 0.2: effect size +1.2 (Cohen's d, large); p = 3.5e-6; against 28 days",
            id="by-days",
        ),
        pytest.param(
            {"name": "rows", "value": 729.0, "expected": 908.0, "effect": -0.22, "p_value": 1e-12},
            "rows below its expected range",
            "rows 729, expected 908: effect size -0.22 (log ratio, 20 % less); p < 1e-9; against 28 days",
            id="count",
        ),
        pytest.param(
            {"name": "drift_score", "column": "rain", "segment": "origin=JFK", "expected": None, "value": None,
             "note": "values higher than expected", "history": None},
            "drift of rain where origin=JFK: values higher than expected",
            "drift of rain where origin=JFK: values higher than expected; effect size +1.2 (large); p = 3.5e-6; "
            "against sampling error only",
            id="segment-by-sampling-error",
        ),
    ],
)  # fmt: skip
def test_a_breach_of_the_expected_says_how_much_how_rare_and_against_what(changes, title, text):
    evaluated = {"low": None, "high": None, "deviations": None, "expected": 0.2, "effect": 1.23, "p_value": 3.4765e-06}

    [alert] = alerts_of(verdict(**(evaluated | changes)))

    assert (alert.title, alert.text) == (title, text)


@pytest.mark.parametrize("state", [VerdictState.OK, VerdictState.INSUFFICIENT_DATA])
def test_no_breach_gives_no_alert(state):
    assert alerts_of(verdict(state=state)) == []


def test_a_name_cannot_add_lines_to_a_message():
    [alert] = alerts_of(verdict("null_rate", column="wind\r\nBcc: all@example.com"))

    assert "null rate of wind Bcc: all@example.com" in alert.text
    assert alert.column == "wind\r\nBcc: all@example.com"


def test_titles_without_labels_are_those_of_the_metrics():
    assert metric_title("positive_rate") == "positive rate"


@pytest.mark.parametrize(
    ("status", "title", "severity"),
    [
        (Status.PARTIAL, "data incomplete", "warning"),
        (Status.QUARANTINED, "data quarantined", "critical"),
        (Status.NO_DATA, "no data", "critical"),
        (Status.FAILED, "run failed", "critical"),
    ],
)
def test_a_status_is_told_with_its_counts(status, title, severity):
    [alert] = status_alerts(partition_state(status=status, message="b.parquet is cut off."))

    assert (alert.title, alert.severity) == (title, severity)
    assert alert.text == (f"status {status}: 900 rows read, 890 accepted, 10 quarantined; b.parquet is cut off.")


def test_a_day_that_is_ok_says_nothing():
    assert status_alerts(partition_state()) == []


REFUSED = Cause(kind=CauseKind.FILES, about="part-#.parquet: is empty", count=1, words="part-3.parquet: is empty")
OUTSIDE = Cause(kind=CauseKind.OUTSIDE, about="at is outside the day", count=5, words="5 rows: at is outside the day")


def test_each_cause_of_a_status_is_an_alert_of_its_own():
    refused, outside = status_alerts(partition_state(status=Status.PARTIAL, causes=(REFUSED, OUTSIDE)))

    assert (refused.metric, refused.segment, refused.value) == ("status.files_refused", REFUSED.about, 1)
    assert (refused.title, refused.severity) == ("files refused: part-#.parquet: is empty", "warning")
    assert refused.text.endswith("accepted, 10 quarantined; part-3.parquet: is empty")
    assert refused.fingerprint != outside.fingerprint


@pytest.mark.parametrize("status", [Status.QUARANTINED, Status.NO_DATA])
def test_day_without_rows_is_one_alert(status):
    [alert] = status_alerts(partition_state(status=status, causes=(REFUSED, OUTSIDE)))

    assert alert.metric == "status"


def test_day_that_failed_hides_no_cause():
    alerts = status_alerts(partition_state(status=Status.FAILED, causes=(REFUSED,)))

    assert [alert.metric for alert in alerts] == ["status", "status.files_refused"]


@pytest.mark.parametrize(("before", "severity"), [([], "warning"), ([5], "critical"), ([5, 300], "warning")])
def test_cause_that_is_much_worse_than_ever_is_critical(before, severity):
    many = replace(OUTSIDE, count=5_000)

    [alert] = status_alerts(partition_state(status=Status.PARTIAL, causes=(many,)), {many.key: before})

    assert alert.severity == severity
    assert ("worse" in alert.text) == (severity == "critical")


@pytest.mark.parametrize(
    ("severity", "expected"),
    [(Severity.BLOCKING, ["critical"]), (Severity.WARNING, ["warning"]), (Severity.RECORDED, [])],
)
def test_a_failed_check_alerts_by_its_severity(severity, expected):
    alerts = check_alerts(partition(), [check(passed=False, unexpected=12, severity=severity)])

    assert [alert.severity for alert in alerts] == expected


def test_a_failed_check_says_how_many_rows():
    [alert] = check_alerts(partition(), [check(passed=False, unexpected=12, expected="at most 1 %")])

    assert alert.text == "check column values to not be null of distance: 12 of 890 rows, expected at most 1 %"
    assert alert.fingerprint == check_alerts(partition(), [check(passed=False, unexpected=99)])[0].fingerprint


def test_a_check_that_could_not_run_alerts_without_its_error():
    [alert] = check_alerts(partition(), [check(passed=None, unexpected=None, error="value 'Smith' has no length")])

    assert alert.text.endswith("of distance: could not be run")


def test_a_check_without_enough_data_gives_no_alert():
    assert check_alerts(partition(), [check(passed=None, unexpected=None)]) == []


def test_checks_of_one_kind_on_one_column_are_one_alert():
    failed = [
        check(passed=False, unexpected=1),
        check(passed=False, unexpected=2, severity=Severity.BLOCKING),
        check(),
    ]

    [alert] = check_alerts(partition(), failed)

    assert alert.severity == "critical"
    assert "2 of 890 rows" in alert.text
    assert "1 of 890 rows" in alert.text


def test_an_alert_names_the_recorded_check_that_measures_the_same():
    failed = check(column="wind", severity=Severity.RECORDED, passed=False, unexpected=41, expected="at least 98 %")
    verdicts = [verdict(name="null_rate", column=name) for name in ("wind", "visib")]

    texts = {
        alert.column: alert.text for alert in metric_alerts(partition(), Family.PREDICTIONS, verdicts, LABELS, [failed])
    }

    assert texts["wind"].endswith(
        "; check column values to not be null of wind: 41 of 890 rows, expected at least 98 %"
    )
    assert "check" not in texts["visib"]


def test_only_a_failed_recorded_check_is_named_beside_a_metric():
    others = [check(column="wind", passed=False), check(column="wind", severity=Severity.RECORDED)]

    [alert] = metric_alerts(partition(), Family.PREDICTIONS, [verdict(name="null_rate", column="wind")], LABELS, others)

    assert "check" not in alert.text
