"""Model page: which days it lists with their values, incidents, baselines, and what it links to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from bs4 import BeautifulSoup

from airflow_mlmon.lifecycle.tracked import TrackedAlert
from airflow_mlmon.lifecycle.tracked_incidents import group_tracked
from airflow_mlmon.records import AlertState, Status
from airflow_mlmon.reports.model import (
    BaselineLine,
    CardEntry,
    EarlierDay,
    ModelPage,
    SegmentRow,
    render_model,
)
from tests.support.hostile import SCRIPT
from tests.support.pages import measured, model_page


def soup(page: ModelPage) -> BeautifulSoup:
    return BeautifulSoup(render_model(page), "html.parser")


def tracked(metric: str, **changed) -> TrackedAlert:
    values = {
        "model": "flights", "fingerprint": f"f{metric}", "metric": metric, "column": None, "segment": None,
        "title": f"{metric} above its limit", "text": "", "cause": "", "value": 1.0, "state": AlertState.OPEN,
        "severity": "warning", "since": date(2013, 3, 8), "opened": date(2013, 3, 8),
        "last_breached": date(2013, 3, 9), "days": 2,
    }  # fmt: skip
    return TrackedAlert(**(values | changed))


def earlier(count: int) -> tuple[EarlierDay, ...]:
    first = date(2013, 2, 28) - timedelta(days=count - 1)
    days = [first + timedelta(days=rank) for rank in range(count)]
    return tuple(EarlierDay(day=day, status=Status.OK, alerts=day.day == 5) for day in days)


def test_earlier_days_are_listed_by_month_with_links():
    found = soup(replace(model_page(14), earlier=earlier(40)))

    months = [[cell.get_text() for cell in row.find_all("td")[:3]] for row in found.select("details tbody tr")]
    assert months == [["February 2013", "28", "1"], ["January 2013", "12", "0"]]
    assert found.select_one('.strip a[href="2013-02-05/report.html"]').get_text() == "5!"
    assert "Last 14 days" in found.get_text()


def test_page_of_many_years_stays_small():
    assert len(render_model(replace(model_page(90), earlier=earlier(10 * 365))).encode()) < 500_000


def test_incidents_are_grouped_by_their_cause_the_critical_ones_first():
    incidents = group_tracked(
        [
            tracked("rows"),
            tracked("score_mean", cause="drift of temp", state=AlertState.ACKNOWLEDGED, acknowledged_by="Ann"),
            tracked("drift_score", column="temp", cause="drift of temp", severity="critical"),
        ]
    )
    found = soup(replace(model_page(14), incidents=incidents, feature_hrefs={"temp": "feature-temp.html"}))

    first, second = found.find("h2", string="Open incidents").parent.select("li")
    assert first.b.get_text(" ", strip=True) == "drift of temp critical acknowledged by Ann, open , since 2013-03-08"
    assert [link["href"] for link in first.select("a")] == [
        "2013-03-09/report.html",
        "2013-03-09/report.html",
        "feature-temp.html",
    ]
    assert "rows above its limit" in second.get_text()


def test_of_very_many_incidents_the_first_are_listed_and_the_others_counted():
    incidents = group_tracked([tracked(f"metric {number}") for number in range(500)])
    html = render_model(replace(model_page(90), incidents=incidents, token="t-1"))

    assert len(BeautifulSoup(html, "html.parser").find("h2", string="Open incidents").parent.select("li")) == 30
    assert "And 470 more in the" in html
    assert len(html.encode()) < 500_000


def test_forms_are_there_only_with_a_token():
    page = replace(model_page(3), incidents=group_tracked([tracked("rows")]), baselines=(BASELINE,))

    static, acting = soup(page), soup(replace(page, token="t-1"))

    assert static.select("form") == []
    assert [form["action"] for form in acting.select("form")] == ["../flights/alerts", "../flights/baseline"]
    assert {field["value"] for field in acting.select('input[name="token"]')} == {"t-1"}


BASELINE = BaselineLine(
    title="the trailing 28 days", subject="version v2", state="in force", first=date(2013, 3, 9), who=SCRIPT,
    why="retrained", accepted_at=datetime(2013, 3, 8, 9, 30, tzinfo=UTC),
)  # fmt: skip


def test_baseline_names_who_accepted_it_when_and_why():
    row = soup(replace(model_page(3), baselines=(BASELINE,))).find("h2", string="Baselines").parent.select_one(".here")

    assert [cell.get_text(" ", strip=True) for cell in row.find_all("td")] == [
        "the trailing 28 days",
        "in force",
        "version v2",
        "2013-03-09",
        f"{SCRIPT} 2013-03-08 09:30 UTC",
        "retrained",
    ]


def test_card_and_segments_are_text():
    page = replace(
        model_page(3),
        card=(CardEntry(title="Owner", lines=(SCRIPT,)),),
        segments=(SegmentRow(name=SCRIPT, rows=10, share=0.1, drifted=("temp",), metrics=measured(score_mean=0.2)),),
    )

    found = soup(page)

    assert found.select("script") == []
    segment = found.find("h2", string="Segments on 2013-03-03").parent.select_one("tbody tr")
    assert [cell.get_text(strip=True) for cell in segment.find_all("td")] == [SCRIPT, "10", "10.0 %", "0.200", "temp"]
