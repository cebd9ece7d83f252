"""The state of alerts follows from the nights, in whatever order these come; and people are told once."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlmon.lifecycle.course import Course, Policy, fold
from airflow_mlmon.lifecycle.telling import Told, to_tell, to_withdraw
from airflow_mlmon.records import Family, Results, VerdictState
from airflow_mlmon.store import schema
from airflow_mlmon.store.metric_store import MetricStore
from tests.support.published import alert, night, partition, results, verdict

FIRST = date(2013, 3, 1)
NIGHTS = 9
METRICS = ("rows", "score_mean")

seen_states = st.sampled_from(list(VerdictState))
policies = st.builds(Policy, opens_after=st.integers(1, 3), clears_after=st.integers(1, 3), cooldown=st.integers(0, 3))
severities = st.sampled_from(["warning", "critical", None, "absent"])
histories = st.lists(severities, min_size=1, max_size=12)


def found_on(day: int, states: tuple[VerdictState, ...]) -> Results:
    of = partition(day)
    judged = list(zip(METRICS, states, strict=True))
    return results(
        of,
        verdicts=tuple(verdict(name, state=state) for name, state in judged),
        alerts=tuple(alert(name, of) for name, state in judged if state is VerdictState.BREACH),
        checks=(),
    )


def episodes(store: MetricStore) -> list[tuple[object, ...]]:
    with store._database.reading() as connection:
        return sorted((tuple(row) for row in connection.execute(sa.select(schema.episodes))), key=repr)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(seen_states, seen_states), min_size=NIGHTS, max_size=NIGHTS),
    st.permutations(range(1, NIGHTS + 1)),
    st.lists(st.tuples(st.integers(1, NIGHTS), st.tuples(seen_states, seen_states)), max_size=3),
    policies,
)
def test_nights_in_any_order_and_judged_anew_give_the_same_states(nights, order, mistakes, policy):
    """Some nights are judged otherwise first, and then as they are."""
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/"
        with MetricStore(f"{url}one.db") as in_order, MetricStore(f"{url}two.db") as shuffled:
            for day, states in enumerate(nights, 1):
                in_order.publish(night(partition(day)), [found_on(day, states)], supersedes=None, policy=policy)
            for day, states in [*mistakes, *((day, nights[day - 1]) for day in order)]:
                shuffled.publish(night(partition(day)), [found_on(day, states)], supersedes=None, policy=policy)

            assert episodes(shuffled) == episodes(in_order)


class Outbox:
    """The messages about one alert on one channel."""

    def __init__(self) -> None:
        self.rows: list[Told] = []
        self._numbers = count(1)

    def follow(self, course: Course, published: set[date]) -> int:
        """What the store does with a course; how many messages that made."""
        gone = to_withdraw(course, self.rows)
        self.rows = [row for row in self.rows if row not in gone]
        new = to_tell(course, self.rows, published)
        self.rows += [
            Told(id=next(self._numbers), event=told.event, day=told.day, breach=told.breach, is_out=False)
            for told in new
        ]
        return len(new)

    def send(self) -> None:
        self.rows = [Told(id=row.id, event=row.event, day=row.day, breach=row.breach, is_out=True) for row in self.rows]


def course_of(history: list[str | None], policy: Policy) -> Course:
    seen = {FIRST + timedelta(days=n): severity for n, severity in enumerate(history) if severity != "absent"}
    return fold(seen, (), policy)


@given(histories, policies, st.booleans())
def test_people_know_after_each_night_whether_an_alert_is_open_and_hear_it_once(history, policy, is_down):
    outbox = Outbox()
    for length in range(1, len(history) + 1):
        course = course_of(history[:length], policy)
        tonight = {FIRST + timedelta(days=length - 1)}
        outbox.follow(course, tonight)

        is_open = bool(course.episodes) and course.episodes[-1].is_open
        assert (bool(outbox.rows) and outbox.rows[-1].is_firing) is is_open
        assert outbox.follow(course, tonight) == 0
        if not is_down:
            outbox.send()

    starts = [row for row in outbox.rows if row.event in {"opened", "reopened"}]
    assert len(starts) == len(course.episodes)
    assert len({(row.day, row.event) for row in outbox.rows}) == len(outbox.rows)


@given(histories, st.data(), policies, st.booleans())
def test_a_night_that_is_judged_anew_leaves_nobody_with_an_alert_that_is_none(history, data, policy, was_sent):
    outbox = Outbox()
    for length in range(1, len(history) + 1):
        outbox.follow(course_of(history[:length], policy), {FIRST + timedelta(days=length - 1)})
    if was_sent:
        outbox.send()
    changed = data.draw(st.integers(0, len(history) - 1))
    history[changed] = data.draw(severities)
    course = course_of(history, policy)

    outbox.follow(course, {FIRST + timedelta(days=changed)})

    is_open = bool(course.episodes) and course.episodes[-1].is_open
    believed = bool(outbox.rows) and outbox.rows[-1].is_firing
    assert is_open or not believed
    assert outbox.follow(course, {FIRST + timedelta(days=changed)}) == 0


def test_a_family_of_results_is_followed_by_itself(tmp_path: Path):
    with MetricStore(f"sqlite:///{tmp_path}/store.db") as store:
        store.publish(night(), [found_on(8, (VerdictState.BREACH, VerdictState.OK))], supersedes=None)
        before = episodes(store)

        store.publish(None, [Results(partition=partition(), family=Family.LABELS)], supersedes=None)

        assert episodes(store) == before != []
