"""The list of models and the messages around the reports."""

from __future__ import annotations

import pytest

from airflow_mlmon.plugins.pages import ModelRow, render_message, render_models
from airflow_mlmon.reports.tone import Tone
from tests.support.hostile import SCRIPT
from tests.support.published import partition, partition_state


def row(model: str, tone: Tone = Tone.HEALTHY, headline: str = "Healthy.") -> ModelRow:
    return ModelRow(state=partition_state(partition(model=model)), tone=tone, headline=headline)


def test_list_links_each_model_to_its_index_and_its_latest_day():
    html = render_models([row("flights", headline="2 alerts.")])

    assert '<a href="flights/index.html">flights</a>' in html
    assert '<a href="flights/2013-03-08/report.html">2013-03-08</a>' in html
    assert "<td>2 alerts.</td>" in html


def test_list_puts_the_alerting_models_first():
    html = render_models([row("a"), row("b", Tone.NOTICE), row("d", Tone.ALERTING), row("c", Tone.ALERTING)])

    places = [html.index(f'href="{model}/index.html"') for model in "cdba"]
    assert places == sorted(places)


def test_list_of_no_model_says_so():
    assert "No model that you may read has been run yet." in render_models([])


@pytest.mark.parametrize(
    "html",
    [
        pytest.param(render_message(SCRIPT, SCRIPT, SCRIPT, SCRIPT), id="message"),
        pytest.param(render_models([row("flights", headline=SCRIPT)]), id="list"),
    ],
)
def test_text_is_only_text(html):
    assert "<script" not in html
    assert "&lt;script&gt;" in html
