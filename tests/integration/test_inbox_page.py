"""Inbox: incidents of all models, models without results, and messages that did not arrive."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from airflow_mlmon.lifecycle.tracked_incidents import SentMessage
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.pages.fleet import read_fleet
from airflow_mlmon.pipeline.pages.inbox import inbox_page
from airflow_mlmon.records import Action, ActionKind, AlertState, Status
from airflow_mlmon.reports.inbox import InboxPage, render_inbox
from airflow_mlmon.store.across_models import Undelivered
from airflow_mlmon.store.metric_store import MetricStore
from tests.support.hostile import HOSTILE
from tests.support.many_models import MORNING, YESTERDAY, fleet_of_every_status, register, run_day
from tests.support.published import alert, results


@pytest.fixture
def store(tmp_path: Path) -> Iterator[MetricStore]:
    with MetricStore(f"sqlite:///{tmp_path}/mlmon.db") as opened:
        yield opened


def _page(store: MetricStore, **given) -> InboxPage:
    return inbox_page(store, read_fleet(store, MORNING), **given)


def _alerting(store: MetricStore, model: str, *alerts: dict, channels: tuple[str, ...] = ()) -> list[str]:
    """Run a day with these alerts, and return their fingerprints."""
    of = Partition.of_day(model, YESTERDAY)
    raised = tuple(alert(of=of, **facts) for facts in alerts)
    run_day(store, model, families=[results(of, metrics=(), checks=(), alerts=raised)], channels=channels)
    return [one.fingerprint for one in raised]


def test_alerts_of_one_cause_are_one_incident_with_the_cause_first(store):
    register(store, "flights")
    cause = "drift of rain (by itself it would move the mean score by +0.0485)"
    _alerting(
        store, "flights", {"name": "score_mean", "title": "mean score rose", "cause": cause},
        {"name": "drift_score", "column": "rain", "title": "drift of rain", "cause": cause, "severity": "critical"},
    )  # fmt: skip

    (incident,) = _page(store).incidents

    assert [one.title for one in incident.alerts] == ["drift of rain", "mean score rose"]
    assert (incident.title, incident.severity, incident.state) == ("drift of rain", "critical", AlertState.OPEN)
    assert incident.consequence == "by itself it would move the mean score by +0.0485"


def test_open_incidents_stand_before_acknowledged_and_muted_ones_and_critical_ones_first(store):
    for model in ("acked", "muted", "open", "critical"):
        register(store, model)
        names = _alerting(store, model, {"severity": "critical" if model == "critical" else "warning"})
        kind = {"acked": ActionKind.ACKNOWLEDGE, "muted": ActionKind.MUTE}.get(model)
        if kind:
            until = date(2013, 4, 1) if kind is ActionKind.MUTE else None
            store.act(model, names, Action(kind=kind, day=YESTERDAY, until=until, who="ann", why="known", at=MORNING))

    page = _page(store)

    assert [one.model for one in page.incidents] == ["critical", "open", "acked", "muted"]
    assert page.incidents[2].people == ["ann"]
    html = render_inbox(page)
    assert html.index(">Open</h2>") < html.index(">Acknowledged</h2>") < html.index(">Muted</h2>")
    assert "acknowledged by <bdi>ann</bdi>" in html
    assert "muted until 2013-04-01" in html


def test_the_last_message_and_messages_that_did_not_arrive_are_shown(store):
    register(store, "flights")
    _alerting(store, "flights", {}, channels=("log", "webhook:ops"))
    claims = {claim.channel: claim.id for claim in store.claim_pending(10, MORNING)}
    store.mark_sent([claims["log"]], MORNING)
    store.mark_failed([claims["webhook:ops"]], "The webhook at ops replied with status 500.", MORNING)

    page = _page(store)

    assert page.incidents[0].message == SentMessage(channel="log", at=MORNING)
    assert page.undelivered == (
        Undelivered(
            model="flights", channel="webhook:ops", messages=1, error="The webhook at ops replied with status 500.",
            first=YESTERDAY, last=YESTERDAY, is_given_up=False,
        ),
    )  # fmt: skip
    assert '<td class="nowrap">waiting</td>' in render_inbox(page)


def test_models_without_results_are_listed_with_their_reason(store):
    fleet_of_every_status(store)
    register(store, "empty")
    run_day(store, "empty", status=Status.NO_DATA, message="No files under s3://x/dt=2013-03-08/.", rows_accepted=0)

    page = _page(store)

    assert [row.model for row in page.absent] == ["never", "silent", "broken", "failed", "empty"]
    assert "No files under s3://x/dt=2013-03-08/." in render_inbox(page)


def test_there_are_forms_for_the_models_of_which_there_is_a_token(store):
    for model in ("a", "b"):
        register(store, model)
    (name, _) = [_alerting(store, model, {})[0] for model in ("a", "b")]

    static, live = render_inbox(_page(store)), render_inbox(_page(store, tokens={"a": "t0ken"}))

    assert "<form" not in static
    assert re.findall(r'action="([^"]+)"', live) == ["a/alerts"]
    assert f'name="alert" value="{name}"' in live


def test_a_hundred_incidents_make_a_page_below_half_a_megabyte(store):
    register(store, "flights")
    names = [f"m{number}" for number in range(101)]
    _alerting(store, "flights", *({"name": name, "title": f"{name} rose", "text": "x" * 1000} for name in names))

    first, second = (_page(store, number=number, tokens={"flights": "t" * 200}) for number in (1, 2))

    assert (len(first.incidents), len(second.incidents), first.total, first.pages) == (100, 1, 101, 2)
    assert 'href="inbox-2.html"' in render_inbox(first)
    assert len(render_inbox(first)) < 500_000


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_are_inert_in_the_inbox(store, text):
    register(store, "flights", owner=text)
    _alerting(store, "flights", {"title": text or "x", "text": text, "column": text, "cause": text})

    page = render_inbox(_page(store, tokens={"flights": "t"}))

    assert not re.search(r"<script|<img|<svg onload|onmouseover=\"", page)


def test_an_empty_inbox_says_so(store):
    register(store, "flights")
    run_day(store, "flights")

    assert "Nothing is open" in render_inbox(_page(store))
