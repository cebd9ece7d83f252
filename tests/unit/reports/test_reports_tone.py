from __future__ import annotations

import pytest

from airflow_mlmon.records import Status, Verdict, VerdictState
from airflow_mlmon.reports.tone import Tone, headline, rank_checks, tone_of
from airflow_mlmon.spec.choices import Severity
from tests.support.pages import alert, check, partition_state


def verdict(state: VerdictState) -> Verdict:
    return Verdict(metric="rows", column=None, value=1, state=state, low=None, high=None, rule="history")


@pytest.mark.parametrize(
    ("status", "alerts", "checks", "tone"),
    [
        pytest.param(Status.OK, [], [], Tone.HEALTHY, id="nothing"),
        pytest.param(Status.OK, [alert()], [], Tone.ALERTING, id="alert"),
        pytest.param(Status.FAILED, [], [], Tone.ALERTING, id="failed"),
        pytest.param(Status.NO_DATA, [], [], Tone.ALERTING, id="no-data"),
        pytest.param(Status.QUARANTINED, [], [], Tone.ALERTING, id="quarantined"),
        pytest.param(Status.PARTIAL, [], [], Tone.NOTICE, id="partial"),
        pytest.param(Status.OK, [], [(False, Severity.BLOCKING)], Tone.ALERTING, id="blocking-check"),
        pytest.param(Status.OK, [], [(None, Severity.BLOCKING)], Tone.NOTICE, id="blocking-check-without-answer"),
        pytest.param(Status.OK, [], [(False, Severity.WARNING)], Tone.NOTICE, id="warning"),
        pytest.param(Status.OK, [], [(False, Severity.RECORDED)], Tone.HEALTHY, id="recorded"),
        pytest.param(Status.OK, [], [(None, Severity.WARNING)], Tone.HEALTHY, id="no-answer"),
    ],
)
def test_tone_of_a_day(status, alerts, checks, tone):
    outcomes = [check("expect_x", None, passed=passed, severity=severity) for passed, severity in checks]

    assert tone_of(partition_state(status=status), alerts, outcomes) is tone


@pytest.mark.parametrize(
    ("states", "text"),
    [
        ([VerdictState.OK, VerdictState.INSUFFICIENT_DATA], "Healthy: everything is within its expected range."),
        ([VerdictState.INSUFFICIENT_DATA], "Not enough data to evaluate this day."),
        ([], "Healthy: no findings."),
    ],
    ids=["evaluated", "not-enough-data", "no-limits"],
)
def test_headline_of_a_day_without_findings(states, text):
    assert headline(partition_state(), [], [], [verdict(state) for state in states]) == text


def test_headline_says_when_a_day_was_not_evaluated():
    assert headline(partition_state(evaluated=False), [], [], []) == "Not enough data to evaluate this day."


def test_headline_counts_what_is_wrong():
    failed = [check("expect_x", None, passed=False), check("expect_y", None, passed=False, severity=Severity.RECORDED)]

    assert headline(partition_state(), [alert()], failed, []) == "1 alert, 1 check failed."


def test_rank_checks_puts_failures_first_and_the_severest_before_others():
    passed = check("expect_a", None)
    unknown = check("expect_b", None, passed=None)
    warning = check("expect_c", None, passed=False)
    blocking = check("expect_d", None, passed=False, severity=Severity.BLOCKING)

    assert rank_checks([passed, unknown, warning, blocking]) == [blocking, warning, unknown, passed]
