"""Forms of what a person may do, in the pages that Airflow serves."""

from __future__ import annotations

import re

import pytest

from airflow_mlmon.reports.page import _environment
from tests.support.hostile import SCRIPT

ALL = """\
{% import "actions.html.j2" as actions %}
{{ actions.of_incident(token, "flights", alerts, "inbox.html", title) }}
{{ actions.of_model(token, "flights", "flights/index.html", versions) }}
{{ actions.of_day(token, "flights", "2013-03-08", "flights/2013-03-08/report.html") }}
"""


def forms(**changed: object) -> str:
    given = {"token": "t", "alerts": ["abc", "def"], "title": "drift of wind", "versions": ["v1"]}
    return _environment().from_string(ALL).render(**(given | changed))


def test_page_without_a_token_has_no_forms():
    assert forms(token=None).strip() == ""


def test_form_is_sent_from_any_page_to_the_model_that_it_is_of():
    assert re.findall(r'action="([^"]+)"', forms()) == ["flights/alerts", "../flights/baseline", "../../flights/run"]


def test_every_form_carries_the_token_and_wants_a_reason():
    html = forms()

    assert html.count('name="token" value="t"') == html.count('name="why" required') == html.count("<form") == 3


def test_form_of_an_incident_names_its_alerts():
    assert re.findall(r'name="alert" value="([^"]+)"', forms()) == ["abc", "def"]


@pytest.mark.parametrize(
    "changed", [{"token": SCRIPT}, {"alerts": [SCRIPT]}, {"title": SCRIPT}, {"versions": [SCRIPT]}]
)
def test_text_in_a_form_is_only_text(changed):
    html = forms(**changed)

    assert "<script" not in html
    assert "&lt;script&gt;" in html
