from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest
from bs4 import BeautifulSoup
from markupsafe import Markup

from airflow_mlmon.records import AlertLifecycle, AlertState, Status, VerdictState
from airflow_mlmon.reports.model import render_model
from airflow_mlmon.reports.page import ColumnRow, Fact, ShownFile, render_day
from airflow_mlmon.reports.wording import NONE
from airflow_mlmon.spec.choices import Severity
from tests.support.hostile import HOSTILE, SCRIPT
from tests.support.pages import (
    LABELS,
    STORM,
    alert,
    alerting_page,
    bare_page,
    check,
    drift,
    evaluated_page,
    healthy_page,
    model_page,
    partition_state,
    performance,
)
from tests.support.published import DAY, metric


def soup(html: str) -> BeautifulSoup:
    return BeautifulSoup(html, "html.parser")


def words(html: str) -> str:
    return " ".join(soup(html).get_text(" ").split())


@pytest.fixture(scope="module")
def alerting() -> str:
    return render_day(alerting_page())


@pytest.fixture(scope="module")
def healthy() -> str:
    return render_day(healthy_page())


@pytest.fixture(scope="module")
def evaluated() -> str:
    return render_day(evaluated_page())


@pytest.fixture(scope="module")
def index() -> str:
    return render_model(model_page(60))


@pytest.mark.parametrize("name", ["alerting", "healthy", "evaluated", "index"])
def test_page_is_one_small_file_without_scripts_or_anything_from_outside(name, request):
    html = request.getfixturevalue(name)

    assert html.startswith("<!DOCTYPE html>")
    assert len(html.encode()) < 500_000
    assert "<script" not in html
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//|@import|url\(""", html)
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in html
    assert 'name="viewport"' in html
    assert "@media print" in html


def test_alerting_day_begins_with_what_is_wrong(alerting):
    headings = [heading.get_text() for heading in soup(alerting).find_all("h2")]

    assert headings == [
        "Findings",
        "Data received",
        "Verdicts",
        "Trends",
        "Drift by column",
        "Performance",
        "Checks",
        "Provenance",
    ]
    assert soup(alerting).select_one(".banner.alerting").strong.get_text() == (
        "2 alerts, 1 check failed, part of the data is missing."
    )
    assert "1 of 4 files is damaged." in words(alerting)


def test_alerting_day_tells_each_alert_and_failed_check(alerting):
    wrong = [" ".join(item.get_text().split()) for item in soup(alerting).select(".wrong li")]

    assert wrong[0].startswith("null rate of wind is 7.3 % critical")
    assert wrong[1].startswith("mean score is 0.394, above its limit of 0.311 6.9 robust standard deviations")
    assert "Expected between 0 and 10, in at least 99 % of rows; found 41 of 979 unexpected." in wrong[2]


def test_healthy_day_looks_healthy(healthy):
    page = soup(healthy)

    assert page.select_one(".banner.healthy").strong.get_text() == "Healthy: everything is within its expected range."
    assert not page.select(".alerting, .notice, .wrong, .drifted")
    assert "Findings" not in words(healthy)


class TestDayThatWasEvaluatedByItsPast:
    @staticmethod
    def rows(html: str) -> list[list[str]]:
        return [[" ".join(cell.get_text().split()) for cell in row.select("td")] for row in soup(html).select("tr")]

    def test_begins_with_the_incidents_by_their_likely_cause(self, evaluated):
        page = soup(evaluated)
        first, second = [" ".join(item.get_text(" ").split()) for item in page.select(".wrong li")]

        assert page.select_one(".banner").strong.get_text() == "2 incidents with 3 alerts."
        assert first.startswith(
            "Likely cause: drift of precip: values higher than expected critical By itself it would move the mean "
            "score by +0.0485"
        )
        assert second.startswith("null rate of wind above its limit")
        assert [item.get("class") for item in page.select(".wrong li")] == [None, ["notice"]]

    def test_keeps_an_incident_together_of_which_a_part_has_resolved(self):
        cause = "drift of precip: values higher than expected"
        over = AlertLifecycle(state=AlertState.RESOLVED, since=DAY, days=1, resolved_on=DAY)
        still = AlertLifecycle(state=AlertState.OPEN, since=DAY, days=1)
        alerts = (
            alert("drift_score", column="precip", title=cause, cause=cause, lifecycle=over),
            alert("accuracy", title="accuracy below its expected range", cause=cause, lifecycle=still),
        )

        [item] = soup(render_day(replace(healthy_page(), alerts=alerts))).select(".wrong li")

        text = " ".join(item.get_text(" ").split())
        assert text.startswith(f"Likely cause: {cause}")
        assert "resolved on 2013-03-08 after 1 day" in text
        assert "open since 2013-03-08, 1 day" in text

    def test_shows_what_is_expected_the_effect_and_the_chance(self, evaluated):
        score, rows = self.rows(evaluated)[1:3]

        assert score == [
            "mean score", "0.351", "0.268, between 0.190 and 0.346", "+1.27 (large)", "0.0004",
            "outside expected range", "against 28 days",
        ]  # fmt: skip
        assert rows[1:6] == ["979", "990, at least 860", "-0.01 (1 % less)", "0.8", "within expected range"]

    def test_shows_columns_in_a_line_with_what_is_unexpected_first(self, evaluated):
        columns = [row for row in self.rows(evaluated) if row and row[0] in {"precip", "seats", "carrier"}]

        assert columns == [
            ["precip", "outside expected range +1.27 (large) p = 0.0004", "0.0 %"],
            ["seats", "+0.10 (negligible)", "16.6 % expected 17.7 %, p = 0.2, sampling error only"],
        ]
        assert "Not enough data for the new-category rate of carrier : 12 values, fewer than 30" in words(evaluated)
        assert "1 of 2 columns has drifted." in words(evaluated)

    def test_shows_segments_of_a_drifted_column_and_counts_the_healthy_ones(self, evaluated):
        assert "precip by segment 2 outside expected range, 1 within." in words(evaluated)
        assert ["origin=EWR", "+1.27 (large)", "0.0004", "against 28 days"] in self.rows(evaluated)

    def test_tags_only_what_the_evaluation_found(self, evaluated):
        tagged = [card.h3.get_text() for card in soup(evaluated).select("article.drifted")]

        assert tagged == ["precip"]

    def test_says_where_the_alerts_of_an_incident_stand_once(self):
        lifecycle = AlertLifecycle(state=AlertState.OPEN, since=STORM, days=1)
        alerts = tuple(replace(found, lifecycle=lifecycle) for found in evaluated_page().alerts)

        text = words(render_day(evaluated_page(alerts=alerts)))

        assert text.count("open since 2013-03-08, 1 day") == 2

    def test_folds_the_many_alerts_of_an_incident_and_drops_none(self):
        many = tuple(
            alert("drift_score", column="precip", segment=f"dest={rank}", text=f"told {rank}", cause="rain")
            for rank in range(40)
        )

        html = render_day(evaluated_page(alerts=many))

        assert "and 34 more" in words(html)
        assert all(f"told {rank}" in html for rank in range(40))

    def test_is_calm_where_nothing_is_unexpected(self):
        healthy = tuple(found for found in evaluated_page().verdicts if found.state is VerdictState.OK)

        page = soup(render_day(evaluated_page(alerts=(), verdicts=healthy)))

        assert not page.select(".alerting, .notice, .wrong, .drifted, details[open]")
        assert "none outside expected range" in page.select_one("summary").get_text()

    def test_says_that_only_sampling_error_is_known(self):
        first = tuple(replace(found, history=None) for found in evaluated_page().verdicts)

        text = words(render_day(evaluated_page(verdicts=first)))

        assert "Evaluated against sampling error only" in text


def test_a_failed_check_that_made_an_alert_is_told_once():
    of_check = alert("check.expect_column_values_to_be_between", column="visib", title="check of visib failed")

    html = render_day(alerting_page(alerts=(of_check,)))

    assert [" ".join(item.b.get_text().split()) for item in soup(html).select(".wrong li")] == ["check of visib failed"]


def test_title_names_model_day_and_headline(healthy):
    assert soup(healthy).title.get_text() == "flights · 2013-03-08 · Healthy: everything is within its expected range."


def test_features_together_name_the_columns_that_were_leaned_on(alerting):
    card = next(card for card in soup(alerting).select("article.card") if card.h3.get_text() == "All features together")
    text = " ".join(card.get_text(" ").split())

    assert (
        "ROC AUC 0.830 ; drifted: effect size +0.70 (medium), p = 1.0e-5, against 28 days . The classifier separates"
        in text
    )
    assert "The classifier separates 979 rows" in text
    assert "Most important columns: temp (0.100) , wind (0.050) ; in brackets" in text
    assert text.endswith("left out: visib: no values in the partition")


def test_features_that_are_not_told_apart_blame_no_column():
    assert "Most important columns" not in render_day(healthy_page())


def test_drifted_columns_stand_first_by_their_effect(alerting):
    cards = soup(alerting).select(".cards article.card")

    assert [card.h3.get_text() for card in cards][:3] == ["score", "plane_age", "seats"]
    assert cards[-1].h3.get_text() == "origin"
    assert all(card.svg for card in cards)
    assert [card.select_one(".tag").get_text() for card in cards[:3]] == ["drift"] * 3
    assert cards[-1].select_one(".tag").get_text() == "not enough data"
    assert "3 of 12 columns have drifted; not enough data for 1." in words(alerting)


def test_values_that_do_not_exist_are_dashes(alerting):
    rows = [[cell.get_text(strip=True) for cell in row.select("td")] for row in soup(alerting).select("tr")]

    assert ["late rate", NONE, "", "", "", "not enough data", "against 4 days; history 4 of 14"] in rows
    assert ["2013-03-08", "0.0 %", *[NONE] * 9, "no labels yet"] in rows
    assert "None" not in words(alerting)
    assert "nan" not in words(alerting).lower().split()


def test_metrics_bear_the_models_own_word_for_a_positive_label(alerting):
    assert "predicted late rate" in words(alerting)
    assert "positive" not in words(alerting)


def test_performance_stands_newest_first(alerting):
    days = re.findall(r"2013-03-0\d", words(alerting).split("Performance")[1].split("Checks")[0])

    assert days == sorted(days, reverse=True)
    assert len(days) == len(performance())


def test_provenance_names_files_version_schema_and_deliveries(alerting):
    text = words(alerting).split("Provenance")[1]

    for part in (
        "s3://airline/predictions/dt=2013-03-08/part-0.parquet",
        "48.2 kB",
        "9b1c",
        "truncated: not read",
        "20130309T060000-3f2a",
        "5c1f0a9be772",
        "50,009 rows of 59 days",
        "s3://airline/labels/dt=2013-03-09",
        "evidently 0.7.23",
    ):
        assert part in text


def test_links_lead_to_the_other_pages(alerting):
    links = {link["href"] for link in soup(alerting).select("a")}

    assert links == {"index.html", "2013-03-07.html", "2013-03-09.html", "2013-03-08-evidently.html"}


@pytest.mark.parametrize(
    ("status", "headline"),
    [
        (Status.FAILED, "The run failed."),
        (Status.NO_DATA, "No data received."),
        (Status.QUARANTINED, "The data is quarantined."),
    ],
)
def test_page_works_with_hardly_any_data(status, headline):
    html = render_day(bare_page(status, "S3 refused the key."))

    assert soup(html).select_one(".banner.alerting").strong.get_text() == headline
    assert "S3 refused the key." in words(html)
    assert "Drift by column" not in words(html)


def test_pictures_must_be_markup_to_be_drawn():
    row = ColumnRow(score=drift("wind", 0.1), picture="<svg onload=alert(1)>")

    assert "<svg onload" not in render_day(healthy_page(columns=(row,)))
    assert "<svg>" in render_day(healthy_page(columns=(replace(row, picture=Markup("<svg></svg>")),)))


def test_column_names_its_new_values_with_their_rows():
    fresh = metric("new_category_rate", 0.1, "origin", new_values=(("SWF", 80), ("", 1)))
    row = ColumnRow(score=drift("origin", 0.1), unseen=(fresh,))

    told = words(render_day(healthy_page(columns=(row,))))

    assert "new-category rate 10.0 %: new values 'SWF' (80 rows), '' (1 row), others (8 rows)" in told


@pytest.mark.guards("attack-html")
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_stays_text(text):
    fresh = metric("new_category_rate", 0.1, text, new_values=((text, 89),))
    page = alerting_page(
        model=text,
        description=text,
        owner=text,
        labels=LABELS.model_copy(update={"positive_name": text, "excluded": (text,)}),
        state=partition_state(message=text, version=text, schema=text),
        alerts=(alert(title=text, text=text),),
        checks=(check(text, text, passed=False, observed=text, expected=text, severity=Severity.BLOCKING),),
        columns=(ColumnRow(score=drift(text, 0.3, note=text), unseen=(fresh,)),),
        quarantine={text: 1},
        files=(ShownFile(uri=text, checksum=text, note=text),),
        facts=(Fact(name=text, value=text),),
        left_out=(text,),
    )

    html = render_day(page)

    html.encode()
    assert len(html) < 200_000
    assert "<script" not in html
    assert not soup(html).select("[onmouseover], [onerror], [onload], img, script")
    assert "49" not in words(html).split()


def test_index_lists_days_newest_first_and_marks_the_alerting_ones():
    page = soup(render_model(model_page(14)))
    rows = page.find("h2", string="All days").parent.select("tbody tr")

    assert [row.a.get_text() for row in rows] == [f"2013-03-{day:02}" for day in range(14, 0, -1)]
    assert [row.a.get_text() for row in rows if "alerting" in row.get("class", [])] == [
        "2013-03-12",
        "2013-03-08",
        "2013-03-05",
    ]
    assert page.h2.get_text() == "14 days, 3 alerting"
    assert [cell.get_text() for cell in page.select(".calendar .alerting")] == ["12!", "5!", "8!"]
    assert [cell.get_text(strip=True) for cell in rows[0].select("td")][4:] == ["", "0.220", NONE, NONE, NONE, NONE]


def test_index_tells_why_a_day_is_alerting():
    items = [item.get_text(" ", strip=True) for item in soup(render_model(model_page(14))).select(".wrong li")]

    assert items[0] == "Tuesday 12 March 2013 FAILED why it is FAILED"
    assert items[1] == "Friday 8 March 2013 mean score is 0.394, above its limit of 0.311"


def test_index_of_no_days_says_so():
    assert "No day has been run yet." in words(render_model(model_page(0)))


def test_index_of_a_year_stays_small():
    assert len(render_model(model_page(400)).encode()) < 500_000


def test_index_escapes_hostile_text():
    page = model_page(3)
    alerting = replace(page.days[0], alerts=(alert(day=date(2013, 3, 1), title=SCRIPT),))

    html = render_model(replace(page, model=SCRIPT, description=SCRIPT, days=(alerting,)))

    assert "<script" not in html
    assert "window.hacked" in words(html)


def test_calendar_puts_the_storm_on_a_friday():
    page = soup(render_model(model_page(14)))
    labels = [cell["aria-label"] for cell in page.select(".calendar a")]

    assert "Friday 8 March 2013: data OK, 1 alert" in labels
    assert STORM.weekday() == 4
