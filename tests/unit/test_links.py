"""Links of a day to its trace and its log, made of a deployment's templates."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.links import LinkTemplates, Traced, TraceLinks
from airflow_mlmon.settings import read_environment_settings

DAY = Traced(
    model="loans",
    partition="2026-03-01",
    trace="0af7651916cd43dd8448eb211c80319c",
    span="b7ad6b7169203331",
    begun=datetime(2026, 3, 2, 2, tzinfo=UTC),
    ended=datetime(2026, 3, 2, 2, 5, tzinfo=UTC),
)


def test_links_name_the_trace_and_the_hour_around_its_run():
    templates = LinkTemplates(
        trace="https://jaeger.example/trace/{trace}?uiFind={span}",
        log="https://logs.example/?q={model}+{partition}&from={from}&to={to}",
    )

    assert templates.fill(DAY) == TraceLinks(
        trace="https://jaeger.example/trace/0af7651916cd43dd8448eb211c80319c?uiFind=b7ad6b7169203331",
        log="https://logs.example/?q=loans+2026-03-01&from=1772413200000&to=1772420700000",
    )


def test_json_of_a_template_is_written_as_a_url_has_it():
    templates = LinkTemplates(trace='https://grafana.example/explore?panes={"a":{"queries":[{"query":"{trace}"}]}}')

    assert templates.fill(DAY).trace == (
        "https://grafana.example/explore?panes=%7B%22a%22:%7B%22queries%22:[%7B%22query%22:"
        "%220af7651916cd43dd8448eb211c80319c%22%7D]%7D%7D"
    )


def test_day_without_a_trace_has_the_link_that_needs_none():
    templates = LinkTemplates(trace="https://t.example/{trace}", log="https://l.example/{model}/{partition}")

    assert templates.fill(replace(DAY, trace="", span="")) == TraceLinks(log="https://l.example/loans/2026-03-01")
    assert LinkTemplates().fill(DAY) == TraceLinks()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param({"trace": "javascript:alert({trace})"}, "trace_url is no URL", id="no-url"),
        pytest.param({"trace": "https://t.example/{tarce}"}, r"\{tarce\}.*did you mean '\{trace\}'", id="misspelt"),
        pytest.param({"trace": "https://t.example/{model}"}, r"has no \{trace\}", id="no-trace"),
        pytest.param({"log": "https://l.example/{day}"}, r"log_url has the placeholder \{day\}", id="unknown"),
    ],
)
def test_template_that_leads_nowhere_is_refused(given, said):
    with pytest.raises(ConfigError, match=said):
        LinkTemplates(**given)


def test_settings_have_the_templates():
    settings = read_environment_settings({"AIRFLOW__MLMON__TRACE_URL": "https://t.example/{trace}"})

    assert settings.links == LinkTemplates(trace="https://t.example/{trace}")
