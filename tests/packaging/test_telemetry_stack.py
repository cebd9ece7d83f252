"""Collector, Loki, Tempo and Grafana's data sources: each names the others by what they are."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from tests.support.processes import require
from tests.support.telemetry import CONFIGURATION, OTELCOL, Collector

DEPLOY = CONFIGURATION.parents[1]
SOURCES = DEPLOY / "grafana" / "provisioning" / "datasources" / "mlmon.yaml"


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


@pytest.fixture(scope="module")
def collector() -> Any:
    return read(CONFIGURATION)


@pytest.fixture(scope="module")
def sources() -> dict[str, Any]:
    """Grafana's data sources by uid."""
    return {source["uid"]: source for path in (SOURCES, DEPLOY / "grafana" / "druid.yaml") for source in _of(path)}


@pytest.fixture(scope="module")
def services() -> Any:
    """The services of docker-compose.yaml."""
    return read(DEPLOY.parents[1] / "docker-compose.yaml")["services"]


def _of(path: Path) -> list[Any]:
    return list(read(path)["datasources"])


def validate(path: Path) -> str:
    """What the collector says of a configuration; nothing if it takes it."""
    require(available=OTELCOL.exists(), what="otelcol (make otelcol)")
    found = subprocess.run([OTELCOL, "validate", "--config", path], capture_output=True, text=True, check=False)
    return found.stderr if found.returncode else ""


def test_collector_takes_its_configuration_and_no_wrong_one(tmp_path):
    assert validate(CONFIGURATION) == ""
    wrong = tmp_path / "collector.yaml"
    wrong.write_text(CONFIGURATION.read_text().replace("poll_interval", "pol_interval"))
    assert "pol_interval" in validate(wrong)


def test_collector_sends_to_where_tempo_and_loki_listen(collector):
    tempo, loki = read(DEPLOY / "tempo" / "tempo.yaml"), read(DEPLOY / "loki" / "loki.yaml")
    sent = {name: urlsplit(part["endpoint"]) for name, part in collector["exporters"].items() if "otlp" in name}

    [listens] = tempo["distributor"]["receivers"]["otlp"]["protocols"].values()
    assert sent["otlp_http/tempo"].port == int(listens["endpoint"].rsplit(":")[-1])
    assert sent["otlp_http/loki"].port == loki["server"]["http_listen_port"]
    assert sent["otlp_http/loki"].path == "/otlp"


def test_what_cannot_be_sent_waits_on_disk_for_as_long_as_it_takes(collector):
    for name in ("otlp_http/tempo", "otlp_http/loki"):
        exporter = collector["exporters"][name]
        assert exporter["sending_queue"]["storage"] == "file_storage"
        assert exporter["retry_on_failure"]["max_elapsed_time"] == 0
    assert collector["receivers"]["file_log/tasks"]["storage"] == "file_storage"
    # what was read may wait, as it can be read again
    assert collector["exporters"]["otlp_http/loki"]["sending_queue"]["block_on_overflow"]


def test_everybody_tells_airflow_the_same(services):
    values = read(DEPLOY / "values-telemetry.yaml")
    on_chart = {one["name"]: one["value"] for one in yaml.safe_load(values["extraEnv"])} | {
        f"AIRFLOW__{section.upper()}__{option.upper()}": value
        for section, options in values["config"].items()
        for option, value in options.items()
    }
    in_compose = {
        # which is not said where the profile of the collector is not started
        name: str(value).replace("${OTEL_ON:-False}", "True")
        for name, value in services["scheduler"]["environment"].items()
    }
    page = (DEPLOY.parent / "docs" / "observability.md").read_text()

    assert on_chart == Collector.ENVIRONMENT | {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}
    assert on_chart.items() <= in_compose.items()
    assert {f"{name}={value}" for name, value in on_chart.items()} <= set(page.splitlines())


def test_collector_is_started_as_where_it_was_killed(services):
    _, *arguments = services["collector"]["command"]

    assert arguments == Collector.ARGUMENTS
    for file in (DEPLOY / "opentelemetry" / "collector.yaml", DEPLOY.parent / "docs" / "observability.md"):
        assert all(argument in file.read_text() for argument in arguments)


def test_sources_ask_where_they_answer(sources, services):
    tempo, loki = read(DEPLOY / "tempo" / "tempo.yaml"), read(DEPLOY / "loki" / "loki.yaml")

    assert urlsplit(sources["tempo"]["url"]).port == tempo["server"]["http_listen_port"]
    assert urlsplit(sources["loki"]["url"]).port == loki["server"]["http_listen_port"]
    urls = [source.get("url") or source["jsonData"]["connection.url"] for source in sources.values()]
    assert {urlsplit(url if "//" in url else f"//{url}").hostname for url in urls} <= set(services)


def test_logs_and_traces_lead_to_each_other(collector, sources):
    [derived] = sources["loki"]["jsonData"]["derivedFields"]
    to_logs = sources["tempo"]["jsonData"]["tracesToLogsV2"]

    assert derived["datasourceUid"] == "tempo"
    assert (derived["matcherType"], derived["matcherRegex"]) == ("label", "trace_id")
    assert to_logs["datasourceUid"] == "loki"
    # Loki's only label is the name that the collector gives what it reads
    [labelled] = read(DEPLOY / "loki" / "loki.yaml")["limits_config"]["otlp_config"]["resource_attributes"][
        "attributes_config"
    ]
    service = collector["receivers"]["file_log/tasks"]["resource"]["service.name"]
    assert labelled == {"action": "index_label", "attributes": ["service.name"]}
    assert to_logs["query"].startswith(f'{{service_name="{service}"}} | trace_id=')


def test_sources_hold_no_password_and_leave_grafana_its_variables():
    text = SOURCES.read_text()

    # Grafana would else put its environment in the place of its own variables
    assert re.findall(r"(?<!\$)\$(?!\$)(\w+)", text) == ["STORE_PASSWORD"]
    assert [source["secureJsonData"] for source in _of(SOURCES) if "secureJsonData" in source] == [
        {"password": "$STORE_PASSWORD"}
    ]
    assert all(source["editable"] is False for source in _of(SOURCES))


def test_nobody_is_told_of_us():
    assert read(DEPLOY / "loki" / "loki.yaml")["analytics"] == {"reporting_enabled": False}
    assert read(DEPLOY / "tempo" / "tempo.yaml")["usage_report"] == {"reporting_enabled": False}
