from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from airflow_mlmon.lifecycle.states import Lifecycle, Policy, fold
from airflow_mlmon.records import Action, ActionKind

FIRST = date(2013, 3, 1)


def day(number: int) -> date:
    return FIRST + timedelta(days=number - 1)


def number(of: date | None) -> int | None:
    return None if of is None else (of - FIRST).days + 1


def lifecycle(days: str, *actions: Action, **policy: int) -> Lifecycle:
    """The lifecycle of days that are written b(reach), c(ritical), q(uiet) or _ (not enough data)."""
    severities = {"b": "warning", "c": "critical", "q": None}
    seen = {day(n): severities[one_day] for n, one_day in enumerate(days, 1) if one_day != "_"}
    return fold(seen, actions, Policy(**policy))


def did(kind: ActionKind, on: int, until: int | None = None) -> Action:
    moment = datetime(2030, 1, 1, tzinfo=UTC)
    return Action(kind=kind, day=day(on), until=day(until) if until else None, who="Ada", why="known", at=moment)


def said(found: Lifecycle) -> list[tuple[int | None, int | None, int | None, int]]:
    return [
        (number(episode.since), number(episode.opened), number(episode.resolved_on), len(episode.days))
        for episode in found.episodes
    ]


@pytest.mark.parametrize(
    ("days", "policy", "expected"),
    [
        ("qqq", {}, []),
        ("b", {}, [(1, 1, None, 1)]),
        ("bqb", {}, [(1, 1, None, 2)]),
        ("bqq", {}, [(1, 1, 3, 1)]),
        ("b_q_q", {}, [(1, 1, 5, 1)]),
        ("bq", {"clears_after": 1}, [(1, 1, 2, 1)]),
        ("bqbb", {"opens_after": 2}, [(3, 4, None, 2)]),
        ("b_b", {"opens_after": 2}, [(1, 3, None, 2)]),
        ("bbqqb", {"opens_after": 2}, [(1, 2, 4, 2), (5, 5, None, 1)]),
        ("bbqqqb", {"opens_after": 2, "cooldown": 1}, [(1, 2, 4, 2)]),
    ],
)
def test_an_alert_opens_and_resolves_after_as_many_days_as_the_policy_says(days, policy, expected):
    assert said(lifecycle(days, **policy)) == expected


@pytest.mark.guards("fault-36")
def test_a_breach_soon_after_the_end_reopens_and_a_later_one_opens_anew():
    soon, later = lifecycle("bqqqb", cooldown=2), lifecycle("bqqqqb", cooldown=2)

    assert [episode.state for episode in soon.episodes] == ["resolved", "reopened"]
    assert [episode.state for episode in later.episodes] == ["resolved", "open"]


def test_an_alert_that_becomes_critical_has_worsened_once():
    [episode] = lifecycle("bbcbc").episodes

    assert (episode.severity, number(episode.worsened_on)) == ("critical", 3)
    assert lifecycle("cb").episodes[0].worsened_on is None


def test_an_acknowledged_alert_stays_so_until_it_resolves():
    actions = did(ActionKind.ACKNOWLEDGE, 1)

    assert [episode.state for episode in lifecycle("bbb", actions).episodes] == ["acknowledged"]
    assert [episode.state for episode in lifecycle("bbqqb", actions).episodes] == ["resolved", "reopened"]


def test_a_mute_ends_after_its_last_day_and_with_a_later_word():
    mute = did(ActionKind.MUTE, 2, until=4)

    assert lifecycle("bbbb", mute).episodes[0].state == "muted"
    assert lifecycle("bbbbb", mute).episodes[0].state == "open"
    assert lifecycle("bbb", mute, did(ActionKind.MUTE, 3, until=3)).episodes[0].state == "open"


@pytest.mark.parametrize("kind", [ActionKind.RESOLVE, ActionKind.ACCEPT])
def test_somebody_can_resolve_an_alert_and_the_next_breach_reopens_it(kind):
    found = lifecycle("bbqb", did(kind, 2))

    assert said(found) == [(1, 1, 2, 2), (4, 4, None, 1)]
    assert [episode.resolved_by for episode in found.episodes] == ["Ada", ""]
    assert found.episodes[1].reopens


def test_what_is_done_about_an_alert_that_is_not_open_changes_nothing():
    assert lifecycle("qqb", did(ActionKind.ACKNOWLEDGE, 2), did(ActionKind.RESOLVE, 1)).episodes[0].state == "open"


def test_an_alert_has_settled_once_no_healthy_day_can_change_it():
    assert lifecycle("bq").settled_on is None
    assert lifecycle("bqqq", cooldown=2).settled_on is None
    assert number(lifecycle("bqqqqq", cooldown=2).settled_on) == 5
    assert number(lifecycle("bqq", cooldown=0).settled_on) == 3
