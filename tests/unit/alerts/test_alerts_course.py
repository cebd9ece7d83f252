from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from airflow_mlmon.lifecycle.course import Course, Policy, fold
from airflow_mlmon.records import Action, ActionKind

FIRST = date(2013, 3, 1)


def day(number: int) -> date:
    return FIRST + timedelta(days=number - 1)


def number(of: date | None) -> int | None:
    return None if of is None else (of - FIRST).days + 1


def course(nights: str, *actions: Action, **policy: int) -> Course:
    """The course of nights that are written b(reach), c(ritical), q(uiet) or _ (not enough data)."""
    severities = {"b": "warning", "c": "critical", "q": None}
    seen = {day(n): severities[night] for n, night in enumerate(nights, 1) if night != "_"}
    return fold(seen, actions, Policy(**policy))


def did(kind: ActionKind, on: int, until: int | None = None) -> Action:
    moment = datetime(2030, 1, 1, tzinfo=UTC)
    return Action(kind=kind, day=day(on), until=day(until) if until else None, who="Ada", why="known", at=moment)


def said(found: Course) -> list[tuple[int | None, int | None, int | None, int]]:
    return [
        (number(episode.since), number(episode.opened), number(episode.resolved_on), len(episode.days))
        for episode in found.episodes
    ]


@pytest.mark.parametrize(
    ("nights", "policy", "expected"),
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
def test_an_alert_opens_and_resolves_after_as_many_nights_as_the_policy_says(nights, policy, expected):
    assert said(course(nights, **policy)) == expected


def test_a_breach_soon_after_the_end_reopens_and_a_later_one_opens_anew():
    soon, later = course("bqqqb", cooldown=2), course("bqqqqb", cooldown=2)

    assert [episode.state for episode in soon.episodes] == ["resolved", "reopened"]
    assert [episode.state for episode in later.episodes] == ["resolved", "open"]


def test_an_alert_that_becomes_critical_has_worsened_once():
    [episode] = course("bbcbc").episodes

    assert (episode.severity, number(episode.worsened_on)) == ("critical", 3)
    assert course("cb").episodes[0].worsened_on is None


def test_an_acknowledged_alert_stays_so_until_it_resolves():
    actions = did(ActionKind.ACKNOWLEDGE, 1)

    assert [episode.state for episode in course("bbb", actions).episodes] == ["acknowledged"]
    assert [episode.state for episode in course("bbqqb", actions).episodes] == ["resolved", "reopened"]


def test_a_mute_ends_after_its_last_day_and_with_a_later_word():
    mute = did(ActionKind.MUTE, 2, until=4)

    assert course("bbbb", mute).episodes[0].state == "muted"
    assert course("bbbbb", mute).episodes[0].state == "open"
    assert course("bbb", mute, did(ActionKind.MUTE, 3, until=3)).episodes[0].state == "open"


@pytest.mark.parametrize("kind", [ActionKind.RESOLVE, ActionKind.ACCEPT])
def test_somebody_can_resolve_an_alert_and_the_next_breach_reopens_it(kind):
    found = course("bbqb", did(kind, 2))

    assert said(found) == [(1, 1, 2, 2), (4, 4, None, 1)]
    assert [episode.resolved_by for episode in found.episodes] == ["Ada", ""]
    assert found.episodes[1].reopens


def test_what_is_done_about_an_alert_that_is_not_open_changes_nothing():
    assert course("qqb", did(ActionKind.ACKNOWLEDGE, 2), did(ActionKind.RESOLVE, 1)).episodes[0].state == "open"


def test_an_alert_has_settled_once_no_quiet_night_can_change_it():
    assert course("bq").settled_on is None
    assert course("bqqq", cooldown=2).settled_on is None
    assert number(course("bqqqqq", cooldown=2).settled_on) == 5
    assert number(course("bqq", cooldown=0).settled_on) == 3
