"""Every query that Grafana's dashboards ask of Prometheus, on a real one that scrapes Airflow's real API server.

Airflow's and Druid's own metrics are recorded ones; performance, which is that of the last ninety days, is read from
a fleet of this year.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from airflow_mlmon.store.metric_store import MetricStore
from tests.support.grafana.answers import from_prometheus
from tests.support.grafana.dashboards import NAMES, Query, Shown, queries
from tests.support.grafana.fleet import DRIFTED, FIRST, gauges_of_nights
from tests.support.grafana.recorded import SYSTEMS, fill_database, recorded, system_of, time_of
from tests.support.monitored import METRICS_TOKEN, OTHERS
from tests.support.prometheus import Prometheus, eventually

pytestmark = pytest.mark.service

RULES = Path(__file__).parents[2] / "include" / "deploy" / "prometheus" / "rules.yml"
NIGHTS = 2
_OF_PROMETHEUS = [(name, query) for name in NAMES for query in queries(name) if query.source == "prometheus"]


@pytest.fixture(scope="module")
def prometheus(server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prometheus")
    for system in SYSTEMS:
        fill_database(folder, recorded(system))
    with MetricStore(f"sqlite:///{folder / 'store.db'}") as store:
        fill_database(folder, gauges_of_nights(store, NIGHTS))
    started = Prometheus.of_airflow(folder, server.port, METRICS_TOKEN)
    with_rules = started.configuration.replace("global: {", "global: {evaluation_interval: 500ms, ")
    started.configuration = f"{with_rules}rule_files: [{RULES}]\n"
    with started:
        yield started


def asked(prometheus: Prometheus, name: str, query: Query):
    system = system_of(query.text)
    if system is not None:
        return from_prometheus(prometheus, query, time_of(system), 5)
    if re.search("mlmon_(performance|label_coverage)", query.text):
        until = datetime.combine(FIRST, time(8), UTC) + timedelta(days=NIGHTS)
        shown = Shown(since=until - timedelta(days=1), until=until, values={"model": DRIFTED})
        return from_prometheus(prometheus, query, shown, 3600)
    now = datetime.now(UTC)
    model = "loans" if name == "model" else ("loans", "refunds", *OTHERS)
    shown = Shown(since=now - timedelta(seconds=30), until=now, values={"model": model})
    return from_prometheus(prometheus, query, shown, 1)


@pytest.mark.parametrize(
    ("name", "query"),
    [pytest.param(name, query, id=f"{name}: {query.panel} {query.name}") for name, query in _OF_PROMETHEUS],
)
def test_query_has_rows(prometheus, name, query):
    found = eventually(lambda: asked(prometheus, name, query))

    assert found
    assert any(line.points for line in found)
    if query.legend:
        assert len({line.name for line in found}) == len(found), "two series have one name"
        assert all(line.name for line in found)
