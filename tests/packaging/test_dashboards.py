"""Grafana's dashboards: what is committed is what their source makes, and Grafana finds all that they name."""

from __future__ import annotations

import json
import os
import re
import subprocess
from urllib.parse import unquote

import pytest
import yaml

from airflow_mlmon.records import Status
from airflow_mlmon.reports.fleet import ModelStatus
from tests.support.docs import CHECKOUT
from tests.support.environments import VARIABLES, environment
from tests.support.grafana.dashboards import FOLDER, NAMES, dashboard, panels, queries

RULES = CHECKOUT / "include" / "deploy" / "prometheus" / "rules.yml"
GRAFANA = FOLDER.parent
_MODULE = "include.deploy.grafana.source.write"
# of Prometheus, not of a panel's own words
_OURS = re.compile(r"\bmlmon(?:_\w+|:[\w:]+)")


def test_committed_dashboards_are_those_of_their_source(tmp_path):
    python = environment("grafana") / "python"

    subprocess.run([python, "-m", _MODULE, tmp_path], check=True, env={**os.environ, **VARIABLES})

    for name in NAMES:
        made = (tmp_path / f"{name}.json").read_text()
        assert made == (FOLDER / f"{name}.json").read_text(), f"{name}.json is not what `make dashboards` writes"


def test_no_other_dashboard_lies_beside_them():
    assert {path.stem for path in FOLDER.iterdir()} == set(NAMES)


def test_each_has_an_id_and_leads_to_the_others():
    uids = [dashboard(name)["uid"] for name in NAMES]

    assert len(set(uids)) == len(uids)
    assert all(dashboard(name)["links"][0]["tags"] == dashboard(name)["tags"] == ["mlmon"] for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_to_dashboards_that_there_are(name):
    uids = {dashboard(other)["uid"] for other in NAMES}

    assert set(re.findall(r"/d/([\w-]+)", (FOLDER / f"{name}.json").read_text())) <= uids


@pytest.mark.parametrize("name", NAMES)
def test_each_panel_says_what_it_shows_and_has_a_place_of_its_own(name):
    taken = set()
    for panel in dashboard(name)["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not taken & cells, panel["title"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells
    assert all(panel["description"].endswith(".") for panel in panels(name))


@pytest.mark.parametrize("name", NAMES)
def test_each_query_and_each_link_asks_a_source_that_is_provisioned(name):
    asked = {query.source for query in queries(name)}
    explored = [
        json.loads(unquote(panes)) for panes in re.findall(r"panes=([^\"]+)", (FOLDER / f"{name}.json").read_text())
    ]
    linked = {pane["mlmon"]["datasource"] for pane in explored}
    told = {query["datasource"]["uid"] for pane in explored for query in pane["mlmon"]["queries"]}
    sources = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "mlmon.yaml").read_text())["datasources"]

    assert asked | linked | told <= {source["uid"] for source in sources}
    assert linked == told


def test_compose_mounts_them_where_grafana_looks():
    [provider] = yaml.safe_load((GRAFANA / "provisioning" / "dashboards" / "mlmon.yaml").read_text())["providers"]
    mounts = yaml.safe_load((CHECKOUT / "docker-compose.yaml").read_text())["services"]["grafana"]["volumes"]

    assert f"./include/deploy/grafana/dashboards:{provider['options']['path']}:ro" in mounts
    assert "./include/deploy/grafana/provisioning:/etc/grafana/provisioning:ro" in mounts


@pytest.mark.parametrize("name", NAMES)
def test_queries_rest_on_series_that_are_recorded_or_scraped(name):
    recorded = {
        rule["record"]
        for group in yaml.safe_load(RULES.read_text())["groups"]
        for rule in group["rules"]
        if "record" in rule
    }
    asked = {found for query in queries(name) if query.source == "prometheus" for found in _OURS.findall(query.text)}

    assert {found for found in asked if ":" in found} <= recorded


def test_every_status_of_a_model_and_of_a_day_has_a_colour():
    text = (FOLDER / "fleet.json").read_text()

    assert all(f'"{status.value}"' in text for status in ModelStatus)
    assert all(f"'{status.value}'" in text for status in Status)
