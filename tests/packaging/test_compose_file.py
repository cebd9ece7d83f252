"""docker-compose.yaml: valid, complete, reachable from this machine alone, and with no secret of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from airflow.configuration import conf

import airflow_mlmon
from airflow_mlmon.links import LinkTemplates, Traced
from airflow_mlmon.settings import OPTIONS
from tests.support.composed import FILE, ROOT, ComposeError, interpolate, made_secrets, read
from tests.support.processes import require

DEPLOY = ROOT / "include" / "deploy"
TEXT = FILE.read_text()
# the data sources of a link
OPENED = {"trace": "tempo", "log": "loki"}
NEEDED = sorted(set(re.findall(r"\$\{(\w+):\?", TEXT)) | {"METRICS_TOKEN"})


@pytest.fixture(scope="module")
def secrets(tmp_path_factory):
    return made_secrets(tmp_path_factory.mktemp("secrets"))


@pytest.fixture(scope="module")
def services(secrets):
    return read(secrets)["services"]


def test_file_is_valid():
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout


def test_every_file_that_is_mounted_exists(services):
    mounted = {entry.split(":")[0] for service in services.values() for entry in service.get("volumes", [])}

    assert [path for path in mounted if path.startswith(".") and not (ROOT / path).exists()] == []


def test_every_volume_is_declared(services):
    mounted = {entry.split(":")[0] for service in services.values() for entry in service.get("volumes", [])}

    assert {name for name in mounted if not name.startswith(".")} == set(yaml.safe_load(TEXT)["volumes"])


def test_every_port_is_on_loopback(services):
    ports = [port for service in services.values() for port in service.get("ports", [])]

    assert ports
    assert [port for port in ports if not re.fullmatch(r"127\.0\.0\.1:(\d+):\1", port)] == []


def test_every_image_is_pinned(services):
    images = {service["image"] for service in services.values()}

    assert [image for image in images if not re.fullmatch(r"[\w./-]+:v?\d+\.\d+(\.\d+)?", image)] == []
    assert len({image for image in images if image.startswith("apache/druid:")}) == 1


def test_built_images_have_the_version_of_the_package(services):
    built = {service["image"] for service in services.values() if "build" in service}

    assert built == {f"{name}:{airflow_mlmon.__version__}" for name in ("airflow-mlmon", "airflow-mlmon-demo")}


def test_what_is_waited_for_says_when_it_is_ready(services):
    waits = [(on, how["condition"]) for each in services.values() for on, how in each.get("depends_on", {}).items()]

    for on, condition in waits:
        assert condition != "service_healthy" or "healthcheck" in services[on], on
        assert condition != "service_completed_successfully" or services[on]["restart"] == "no", on


def test_what_ends_is_waited_for(services):
    # else `docker compose up --wait` calls it a failure: docker/compose issue 10596
    ends = {name for name, each in services.items() if each["restart"] == "no" and "profiles" not in each}
    waits = [pair for each in services.values() for pair in each.get("depends_on", {}).items()]

    assert ends == {on for on, how in waits if how["condition"] == "service_completed_successfully"} == {"init"}


def test_airflow_knows_every_option(services):
    names = {name for service in services.values() for name in service.get("environment", {}) if "__" in name}
    options = [name.removeprefix("AIRFLOW__").lower().split("__") for name in names]

    known = {name: section["options"] for name, section in conf.configuration_description.items()} | {"mlmon": OPTIONS}
    assert [(section, option) for section, option in options if option not in known[section]] == []


@pytest.mark.parametrize("name", NEEDED)
def test_nothing_starts_without_a_secret(secrets, name):
    with pytest.raises(ComposeError, match=rf"{name} has no value: run include/deploy/make-env"):
        interpolate(TEXT, {**secrets, name: ""})


def test_every_secret_is_made_and_used(secrets):
    assert sorted(secrets) == NEEDED
    assert min(map(len, secrets.values())) >= 44
    assert len(set(secrets.values())) == len(secrets)


def test_no_secret_stands_in_the_file(services, secrets):
    given = {(key, str(value)) for each in services.values() for key, value in each.get("environment", {}).items()}
    secret = {
        (key, value) for key, value in given if re.search(r"(?i)password|secret|token|_key$|://\w+:[^/]+@", key + value)
    }

    # the file of the passwords, and the name of the S3 account
    secret = {pair for pair in secret if pair[1] not in {"/opt/airflow/passwords.json", "mlmon"}}
    assert [key for key, value in secret if not any(made in value for made in secrets.values())] == []


def test_secrets_that_are_there_stay(tmp_path):
    file = tmp_path / ".env"
    file.write_text("HASH_KEY=ours\n")
    for _ in range(2):
        subprocess.run([DEPLOY / "make-env", file], check=True)

    assert file.read_text().count("HASH_KEY=") == file.read_text().count("METRICS_TOKEN=") == 1
    assert "HASH_KEY=ours\n" in file.read_text()


def test_secrets_are_for_their_owner_alone(tmp_path):
    subprocess.run([DEPLOY / "make-env"], check=True, cwd=tmp_path)

    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    assert "/.env" in (ROOT / ".gitignore").read_text().split()


@pytest.mark.parametrize("kind", ["trace", "log"])
def test_links_of_a_day_are_what_grafana_opens(services, kind):
    environment = services["scheduler"]["environment"]
    templates = LinkTemplates(**{kind: environment[f"AIRFLOW__MLMON__{kind.upper()}_URL"]})
    begun = datetime(2026, 3, 2, 5, tzinfo=UTC)
    day = Traced(model="loans", partition="2026-03-01", trace="a1b2", span="c3", begun=begun, ended=begun)

    link = urlsplit(getattr(templates.fill(day), kind))
    pane = json.loads(parse_qs(link.query)["panes"][0])["day"]

    [query] = pane["queries"]
    assert {pane["datasource"], query["datasource"]["uid"], query["datasource"]["type"]} == {OPENED[kind]}
    assert "a1b2" in (query.get("query") or query["expr"])
    assert int(pane["range"]["from"]) < begun.timestamp() * 1000 < int(pane["range"]["to"])


def test_prometheus_scrapes_services_of_the_file(services):
    jobs = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    static = [at.split(":")[0] for job in jobs for group in job.get("static_configs", []) for at in group["targets"]]
    looked_up = [name for job in jobs for group in job.get("dns_sd_configs", []) for name in group["names"]]

    assert {*static, *looked_up} <= set(services)


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["promtool", "check", "config", "--syntax-only", "prometheus/prometheus.yml"], id="prometheus"),
        pytest.param(["amtool", "check-config", "alertmanager/alertmanager.yml"], id="alertmanager"),
    ],
)
@pytest.mark.service
def test_tools_take_the_configuration(command):
    require(available=shutil.which(command[0]) is not None, what=f"{command[0]} (Debian's prometheus, -alertmanager)")
    *words, file = command
    checked = subprocess.run([*words, DEPLOY / file], capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("script", ["make-env", "postgresql/databases.sh", "airflow/init.sh"])
def test_scripts_are_of_a_plain_shell(script):
    subprocess.run(["sh", "-n", DEPLOY / script], check=True)


def test_what_a_container_starts_itself_is_executable():
    assert os.access(Path(DEPLOY / "postgresql" / "databases.sh"), os.X_OK)
