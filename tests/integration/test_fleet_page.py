"""Page of all models: what it says of each, and in which order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from airflow_mlmon.pipeline.pages.fleet import Fleet, fleet_page, read_fleet
from airflow_mlmon.records import Status
from airflow_mlmon.reports.fleet import FleetRow, FleetView, ModelStatus, ViewKind, render_fleet
from airflow_mlmon.reports.slug import slug_of
from airflow_mlmon.reports.strip import StripDay, strip_text
from airflow_mlmon.store.metric_store import MetricStore
from tests.support.hostile import HOSTILE
from tests.support.many_models import MORNING, YESTERDAY, fleet_of_every_status, labelled, register, run_day
from tests.support.published import metric


@pytest.fixture
def store(tmp_path: Path) -> Iterator[MetricStore]:
    with MetricStore(f"sqlite:///{tmp_path}/mlmon.db") as opened:
        yield opened


def _rows(store: MetricStore, now: datetime = MORNING) -> dict[str, FleetRow]:
    return {row.model: row for row in fleet_page(store, read_fleet(store, now)).rows}


def test_models_stand_worst_first_each_with_its_reason(store):
    fleet_of_every_status(store)

    rows = _rows(store)

    assert list(rows) == ["never", "silent", "broken", "failed", "alerting", "notice", "healthy", "inactive"]
    assert {name: row.status.value for name, row in rows.items() if name != "never"} == {
        name: name for name in rows if name != "never"
    }
    assert (rows["never"].status, rows["never"].reason) == (ModelStatus.SILENT, "No day evaluated yet.")
    assert (rows["silent"].late, rows["silent"].reason) == (16, "No day evaluated since 2013-02-20.")
    assert rows["broken"].reason == "line 3: `ownr` is unknown"
    assert (rows["failed"].late, rows["failed"].reason) == (1, "The archive does not answer.")
    assert rows["inactive"].reason == "Ended on 2013-02-20."


def test_a_day_is_over_when_it_is_over_in_the_zone_of_the_model(store):
    register(store, "tokyo", zone="Asia/Tokyo")
    run_day(store, "tokyo", YESTERDAY - timedelta(days=1))

    late = {hour: _rows(store, datetime(2013, 3, 9, hour, tzinfo=UTC))["tokyo"].late for hour in (14, 16)}

    assert late == {14: 1, 16: 2}


def test_a_model_that_has_not_started_or_has_ended_is_not_silent(store):
    register(store, "later", start=date(2013, 3, 9))
    register(store, "over", end=YESTERDAY - timedelta(days=1))
    register(store, "last_day", end=YESTERDAY)

    assert {name: (row.status, row.reason) for name, row in _rows(store).items()} == {
        "last_day": (ModelStatus.SILENT, "No day evaluated yet."),
        "later": (ModelStatus.INACTIVE, "Starts on 2013-03-09."),
        "over": (ModelStatus.INACTIVE, "Ended on 2013-03-07."),
    }


def test_a_row_has_rows_drift_performance_and_versions_of_its_day(store):
    register(store, "flights", version_column="version")
    before = YESTERDAY - timedelta(days=3)
    accuracy = metric("accuracy", 0.87, low=0.85, high=0.89)
    run_day(store, "flights", before, families=[labelled("flights", before, accuracy, metric("label_coverage", 0.98))])
    run_day(store, "flights", alerts=("score_mean",))

    row = _rows(store)["flights"]

    assert (row.evaluated and row.evaluated.rows_accepted, row.rows and row.rows.expected, row.drifted) == (890, 900, 1)
    assert row.headline is not None
    assert (row.headline.day, row.headline.measured) == (before, accuracy)
    assert row.coverage is not None
    assert row.coverage.value == 0.98
    assert row.causes == ("score_mean above its limit",)
    assert [day.kind for day in row.strip if day is not None][-4:] == ["healthy", "missing", "missing", "alerting"]


def test_a_selection_is_a_file_with_its_own_models(store):
    fleet_of_every_status(store)
    register(store, "healthy", owner="Risk & Fraud", tags=("eu", "eu/../x"))
    fleet = read_fleet(store, MORNING)

    owner, tag = FleetView(kind=ViewKind.OWNER, value="Risk & Fraud"), FleetView(kind=ViewKind.TAG, value="eu/../x")

    assert [row.model for row in fleet.select(owner)] == ["healthy"]
    assert fleet.find(owner.file()) == (replace(owner, models=1), 1)
    assert fleet.find(tag.file()) == (replace(tag, models=1), 1)
    assert fleet.find("status-silent.html") == (FleetView(kind=ViewKind.STATUS, value="silent", models=2), 1)
    assert fleet.find("index-2.html") is None
    assert f'href="{owner.file()}"' in render_fleet(fleet_page(store, fleet))


def test_only_the_models_that_may_be_read_are_counted(store):
    fleet_of_every_status(store)

    fleet = read_fleet(store, MORNING, models=["healthy", "silent"], broken=[replace(register(store, "x"), error="no")])

    assert [view.value for view in fleet.views(ViewKind.STATUS)] == ["silent", "healthy"]
    assert len(fleet.rows) == 2


def test_a_hundred_models_make_a_page(store):
    for number in range(101):
        register(store, f"m{number:03}")
    fleet = read_fleet(store, MORNING)

    first, second = (fleet_page(store, fleet, number=number) for number in (1, 2))

    assert (len(first.rows), len(second.rows), first.pages) == (100, 1, 2)
    assert 'href="index-2.html"' in render_fleet(first)
    assert fleet.find("index-2.html") == (FleetView(models=101), 2)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_are_inert(store, text):
    register(store, "flights", owner=text, team=text, tags=(text,), description=text)
    store.register_error("flights", text, text)

    fleet = read_fleet(store, MORNING)
    page = render_fleet(fleet_page(store, fleet))

    assert not re.search(r"<script|<img|<svg onload|onmouseover=\"|\$\{49", page)
    assert all(
        re.fullmatch(r"[a-z]+(-[a-z0-9-]+)?\.html", view.file()) for kind in ViewKind for view in fleet.views(kind)
    )


def test_slugs_differ_where_texts_do():
    texts = ["a", "A", "a b", "a-b", "a_b", "ä", "", "a-2", "x" * 50, "x" * 51, *HOSTILE.values()]

    assert len({slug_of(text) for text in dict.fromkeys(texts)}) == len(set(texts))


def test_a_strip_says_in_words_which_days_are_not_healthy():
    days = [date(2013, 3, day) for day in range(1, 7)]
    strip = [None, StripDay(day=days[1], status=Status.OK), StripDay(day=days[2], status=Status.NO_DATA)]
    strip += [StripDay(day=days[3], status=Status.OK, alerts=2), StripDay(day=days[4]), StripDay(day=days[5])]

    assert strip_text(strip) == (
        "1 of 5 days healthy; alerting: 2013-03-03 to 2013-03-04; missing: 2013-03-05 to 2013-03-06"
    )


def test_an_empty_store_says_how_models_come_into_it(store):
    assert "No model is registered yet" in render_fleet(fleet_page(store, Fleet(rows=(), at=MORNING)))
