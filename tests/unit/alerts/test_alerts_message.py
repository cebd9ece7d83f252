"""The order in which a message tells of a night: the likely cause of the worst incident is its first line."""

from __future__ import annotations

from airflow_mlmon.alerts.message import NightMessage, night_message
from airflow_mlmon.records import Alert, AlertEvent, AlertState, Standing
from tests.support.nights import DAY, alert, night

CAUSE = "drift score of distance: values lie higher than usual"
OVER = Standing(state=AlertState.RESOLVED, event=AlertEvent.RESOLVED, since=DAY, nights=1)


def drift(column: str, *, cause: str = "", effect: float = 0.3, severity: str = "warning", **changes) -> Alert:
    title = f"drift score of {column}: values lie higher than usual"
    facts = {"column": column, "title": title, "text": column, "cause": cause or title, "effect": effect}
    return alert("drift_score", **facts, severity=severity, **changes)


def lines(message: NightMessage) -> list[str]:
    return [line.removeprefix("- ") for line in message.text.splitlines() if line.startswith("- ")]


def test_alerts_of_an_incident_stand_together_under_its_cause():
    by_cause = f"{CAUSE} (by itself it would move the mean score by +0.1)"
    message = night_message(
        night(),
        [
            drift("distance", cause=by_cause),
            drift("weekday"),
            alert("accuracy", text="accuracy", title="accuracy below", cause=by_cause, severity="critical"),
        ],
    )

    assert message.text.startswith(f"Likely cause: {by_cause}\n")
    assert lines(message) == ["warning: distance", "critical: accuracy", "warning: weekday"]
    assert message.subject == f"[critical] {night().partition}: {CAUSE} and 2 more"
    assert (message.severity, message.payload["severity"]) == ("critical", "critical")


def test_critical_incidents_go_first_and_what_is_over_last():
    message = night_message(
        night(),
        [
            drift("over", severity="critical", standing=OVER),
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
    message = night_message(night(), [drift("over", severity="critical", standing=OVER)])

    assert message.subject.startswith("[resolved]")
    assert message.severity == "critical"
