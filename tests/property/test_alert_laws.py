"""The state of alerts follows from the days, in whatever order these come; and people are told once."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_mlmon.lifecycle.notification import Notified, to_notify, to_withdraw
from airflow_mlmon.lifecycle.states import Lifecycle, Policy, fold
from airflow_mlmon.records import Family, Results, VerdictState
from airflow_mlmon.store import schema
from airflow_mlmon.store.metric_store import MetricStore
from tests.support.published import alert, partition, partition_state, results, verdict

FIRST = date(2013, 3, 1)
DAYS = 9
METRICS = ("rows", "score_mean")

seen_states = st.sampled_from(list(VerdictState))
policies = st.builds(Policy, opens_after=st.integers(1, 3), clears_after=st.integers(1, 3), cooldown=st.integers(0, 3))
severities = st.sampled_from(["warning", "critical", None, "absent"])
histories = st.lists(severities, min_size=1, max_size=12)


def found_on(day: int, states: tuple[VerdictState, ...]) -> Results:
    of = partition(day)
    evaluated = list(zip(METRICS, states, strict=True))
    return results(
        of,
        verdicts=tuple(verdict(name, state=state) for name, state in evaluated),
        alerts=tuple(alert(name, of) for name, state in evaluated if state is VerdictState.BREACH),
        checks=(),
    )


def episodes(store: MetricStore) -> list[tuple[object, ...]]:
    with store._database.reading() as connection:
        return sorted((tuple(row) for row in connection.execute(sa.select(schema.episodes))), key=repr)


@settings(max_examples=15)
@given(
    st.lists(st.tuples(seen_states, seen_states), min_size=DAYS, max_size=DAYS),
    st.permutations(range(1, DAYS + 1)),
    st.lists(st.tuples(st.integers(1, DAYS), st.tuples(seen_states, seen_states)), max_size=3),
    policies,
)
def test_days_in_any_order_and_evaluated_anew_give_the_same_states(days, order, mistakes, policy):
    """Some days are evaluated otherwise first, and then as they are."""
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/"
        with MetricStore(f"{url}one.db") as in_order, MetricStore(f"{url}two.db") as shuffled:
            for day, states in enumerate(days, 1):
                in_order.publish(
                    partition_state(partition(day)), [found_on(day, states)], supersedes=None, policy=policy
                )
            for day, states in [*mistakes, *((day, days[day - 1]) for day in order)]:
                shuffled.publish(
                    partition_state(partition(day)), [found_on(day, states)], supersedes=None, policy=policy
                )

            assert episodes(shuffled) == episodes(in_order)


class Outbox:
    """The messages about one alert on one channel."""

    def __init__(self) -> None:
        self.rows: list[Notified] = []
        self._numbers = count(1)

    def follow(self, lifecycle: Lifecycle, published: set[date]) -> int:
        """What the store does with a lifecycle; how many messages that made."""
        gone = to_withdraw(lifecycle, self.rows)
        self.rows = [row for row in self.rows if row not in gone]
        new = to_notify(lifecycle, self.rows, published)
        self.rows += [
            Notified(id=next(self._numbers), event=told.event, day=told.day, breach=told.breach, is_out=False)
            for told in new
        ]
        return len(new)

    def send(self) -> None:
        self.rows = [
            Notified(id=row.id, event=row.event, day=row.day, breach=row.breach, is_out=True) for row in self.rows
        ]


def lifecycle_of(history: list[str | None], policy: Policy) -> Lifecycle:
    seen = {FIRST + timedelta(days=n): severity for n, severity in enumerate(history) if severity != "absent"}
    return fold(seen, (), policy)


@given(histories, policies, st.booleans())
def test_people_know_after_each_day_whether_an_alert_is_open_and_hear_it_once(history, policy, is_down):
    outbox = Outbox()
    for length in range(1, len(history) + 1):
        lifecycle = lifecycle_of(history[:length], policy)
        today = {FIRST + timedelta(days=length - 1)}
        outbox.follow(lifecycle, today)

        is_open = bool(lifecycle.episodes) and lifecycle.episodes[-1].is_open
        assert (bool(outbox.rows) and outbox.rows[-1].is_firing) is is_open
        assert outbox.follow(lifecycle, today) == 0
        if not is_down:
            outbox.send()

    starts = [row for row in outbox.rows if row.event in {"opened", "reopened"}]
    assert len(starts) == len(lifecycle.episodes)
    assert len({(row.day, row.event) for row in outbox.rows}) == len(outbox.rows)


@given(histories, st.data(), policies, st.booleans())
def test_a_day_that_is_evaluated_anew_leaves_nobody_with_an_alert_that_is_none(history, data, policy, was_sent):
    outbox = Outbox()
    for length in range(1, len(history) + 1):
        outbox.follow(lifecycle_of(history[:length], policy), {FIRST + timedelta(days=length - 1)})
    if was_sent:
        outbox.send()
    changed = data.draw(st.integers(0, len(history) - 1))
    history[changed] = data.draw(severities)
    lifecycle = lifecycle_of(history, policy)

    outbox.follow(lifecycle, {FIRST + timedelta(days=changed)})

    is_open = bool(lifecycle.episodes) and lifecycle.episodes[-1].is_open
    believed = bool(outbox.rows) and outbox.rows[-1].is_firing
    assert is_open or not believed
    assert outbox.follow(lifecycle, {FIRST + timedelta(days=changed)}) == 0


def test_a_family_of_results_is_followed_by_itself(tmp_path: Path):
    with MetricStore(f"sqlite:///{tmp_path}/store.db") as store:
        store.publish(partition_state(), [found_on(8, (VerdictState.BREACH, VerdictState.OK))], supersedes=None)
        before = episodes(store)

        store.publish(None, [Results(partition=partition(), family=Family.LABELS)], supersedes=None)

        assert episodes(store) == before != []
