"""The order in which a message tells of a day: the likely cause of the worst incident is its first line."""

from __future__ import annotations

from dataclasses import replace

from airflow_mlmon.alerts.message import DayMessage, day_message
from airflow_mlmon.records import Alert, AlertEvent, AlertLifecycle, AlertState
from tests.support.published import DAY, alert, partition_state

CAUSE = "drift score of distance: values higher than expected"
OVER = AlertLifecycle(state=AlertState.RESOLVED, event=AlertEvent.RESOLVED, since=DAY, days=1)


def drift(column: str, *, cause: str = "", effect: float = 0.3, severity: str = "warning", **changes) -> Alert:
    title = f"drift score of {column}: values higher than expected"
    facts = {"column": column, "title": title, "text": column, "cause": cause or title, "effect": effect}
    return alert("drift_score", **facts, severity=severity, **changes)


def lines(message: DayMessage) -> list[str]:
    return [line.removeprefix("- ") for line in message.text.splitlines()[2:] if line.startswith("- ")]


def test_cause_goes_before_what_follows_from_it_however_severe_that_is():
    by_cause = f"{CAUSE} (by itself it would move the mean score by +0.1)"
    message = day_message(
        partition_state(),
        [
            drift("duration", cause=by_cause, severity="critical"),
            alert("accuracy", text="accuracy", title="accuracy below", cause=by_cause, severity="critical"),
            drift("distance", cause=by_cause),
        ],
    )

    assert lines(message) == ["warning: distance", "critical: duration", "critical: accuracy"]
    assert message.subject == f"[critical] {partition_state().partition}: {CAUSE} and 2 more"
    assert (message.severity, message.payload["severity"]) == ("critical", "critical")


def test_what_follows_from_a_cause_that_was_told_before_is_not_called_by_it():
    """Labels come days after the rows that drifted."""
    by_cause = f"{CAUSE} (by itself it would move the mean score by +0.1)"
    accuracy = alert("accuracy", text="accuracy 0.56", title="accuracy below its expected range", cause=by_cause)

    message = day_message(partition_state(), [accuracy])
    over = day_message(partition_state(), [replace(accuracy, lifecycle=OVER)])

    assert message.subject == f"[warning] {partition_state().partition}: accuracy below its expected range"
    assert message.text.splitlines()[0] == f"Likely cause: {by_cause}"
    assert over.text.splitlines()[0] == "Resolved: accuracy below its expected range"


def test_incidents_stay_in_the_order_in_which_they_were_evaluated():
    message = day_message(
        partition_state(),
        [
            drift("distance", effect=0.2),
            drift("hour", effect=0.45),
            alert("score_mean", text="score", title="mean score above", cause=CAUSE),
            drift("weekday", effect=0.4),
        ],
    )

    assert message.text.splitlines()[0] == f"Likely cause: {CAUSE}"
    assert lines(message) == ["warning: distance", "warning: score", "warning: hour", "warning: weekday"]


def test_critical_incidents_go_first_and_what_is_over_last():
    message = day_message(
        partition_state(),
        [
            drift("over", severity="critical", lifecycle=OVER),
            drift("small", effect=0.4),
            drift("large", effect=0.9, severity="critical"),
        ],
    )

    assert [line.partition(" (")[0] for line in lines(message)] == [
        "critical: large",
        "warning: small",
        "resolved: over",
    ]
    assert message.subject.startswith("[critical]")


def test_message_of_ends_alone_says_so():
    message = day_message(partition_state(), [drift("over", severity="critical", lifecycle=OVER)])

    assert message.subject.startswith("[resolved]")
    assert message.severity == "critical"
