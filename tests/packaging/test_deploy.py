"""Values for the charts of Airflow and Druid: against the charts' own schemas and keys, and Airflow's options."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pymysql
import pytest
import yaml
from airflow.configuration import conf

from include.deploy.check import Chart, merge, read_values

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "include" / "deploy"
AIRFLOW = [DEPLOY / "values-airflow.yaml"]
TRACED = [*AIRFLOW, DEPLOY / "values-telemetry.yaml"]
MEDIUM = [*AIRFLOW, DEPLOY / "sizes" / "medium.yaml"]
LARGE = [*MEDIUM, DEPLOY / "sizes" / "large.yaml"]
DRUID = [DEPLOY / "values-druid.yaml"]
CHARTS = ROOT / "tests" / "support" / "charts"


def chart(name: str) -> Chart:
    """A chart's defaults and schema, without its texts: Apache-2.0, of the charts of these names."""
    return Chart(**json.loads(gzip.decompress((CHARTS / f"{name}.json.gz").read_bytes())))


@pytest.fixture(scope="module")
def airflow() -> Chart:
    return chart("airflow-1.22.0")


@pytest.mark.parametrize("files", [AIRFLOW, TRACED, MEDIUM, LARGE], ids=["small", "traced", "medium", "large"])
def test_airflow_chart_knows_every_value(airflow, files):
    assert airflow.faults(read_values(files)) == []


def test_druid_chart_knows_every_value():
    assert chart("druid-37.0.2").faults(read_values(DRUID)) == []


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"nodeSelctor": {}}, "nodeSelctor: the chart has no such key"),
        ({"workers": {"toleration": []}}, "workers.toleration: the chart has no such key"),
        ({"scheduler": {"replicas": "two"}}, "scheduler.replicas: 'two' is not of type 'integer'"),
    ],
)
def test_wrong_value_is_named(airflow, wrong, named):
    assert named in airflow.faults(merge(read_values(AIRFLOW), wrong))


@pytest.mark.parametrize("files", [AIRFLOW, TRACED, LARGE], ids=["small", "traced", "large"])
def test_airflow_knows_every_option(files):
    known = conf.configuration_description
    # the executors' options are those of providers
    assert [
        f"{section}.{option}"
        for section, options in read_values(files)["config"].items()
        for option in options
        if section not in {"celery", "kubernetes_executor"} and option not in known[section]["options"]
    ] == []


def test_every_secret_is_told_of_and_none_is_written():
    pages = (ROOT / "include" / "docs" / "deploying.md").read_text()
    texts = [path.read_text() for path in [*LARGE, *DRUID, *(DEPLOY / "druid").iterdir()]]
    secrets = {
        name for text in texts for name in re.findall(r"\bmlmon-(?:airflow-\w+|settings|git|druid(?:-admin)?)\b", text)
    }
    assert {name for name in secrets if f"generic {name}" not in pages} == set()
    assert [text for text in texts if re.search(r"(?i)password: *[\"']?[a-z0-9]+[\"']?$", text, re.MULTILINE)] == []


def test_all_of_druid_gets_the_secret():
    patches = yaml.safe_load((DEPLOY / "druid" / "kustomization.yaml").read_text())["patches"]
    assert {patch["target"]["kind"] for patch in patches} == {"Deployment", "StatefulSet"}
    assert {patch["target"]["labelSelector"] for patch in patches} == {"app=druid"}


def script_of(name: str) -> str:
    config, job = yaml.safe_load_all((DEPLOY / "druid" / name).read_text())
    assert job["spec"]["template"]["spec"]["volumes"][0]["configMap"]["name"] == config["metadata"]["name"]
    return config["data"]["create.sh"]


def create(script: str, folder: Path, environment: dict[str, str]) -> None:
    file = folder / "create.sh"
    file.write_text(script)
    # twice: a job that was killed begins again
    for _ in range(2):
        subprocess.run(["sh", str(file)], check=True, env=os.environ | environment, capture_output=True)


@pytest.mark.service
def test_user_of_druids_metadata_is_created_on_postgresql(postgres, tmp_path):
    place = urlsplit(postgres)
    environment = {"PGHOST": place.hostname, "PGPORT": str(place.port), "PGUSER": place.username}
    create(script_of("metadata-postgresql.yaml"), tmp_path, environment | {"DRUID_METADATA_PASSWORD": "it's $ecret"})
    with psycopg.connect(place._replace(path="/druid", netloc=f"druid@127.0.0.1:{place.port}").geturl()) as druid:
        druid.execute("CREATE TABLE druid_segments (id TEXT)")
    with psycopg.connect(postgres) as admin:
        stored = admin.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'druid'").fetchone()
    assert stored is not None
    assert stored[0].startswith("SCRAM-SHA-256")


@pytest.mark.service
def test_user_of_druids_metadata_is_created_on_mysql(mariadb, tmp_path):
    place = urlsplit(mariadb)
    # the client takes the port from its options alone
    script = script_of("metadata-mysql.yaml").replace(
        "mysql --host", f"mariadb --protocol=tcp --port={place.port} --host"
    )
    environment = {"MYSQL_HOST": "127.0.0.1", "MYSQL_ADMIN": "root", "DRUID_METADATA_PASSWORD": "$ecret"}
    create(script, tmp_path, environment)
    with (
        pymysql.connect(
            host="127.0.0.1", port=place.port or 0, user="druid", password="$ecret", database="druid"
        ) as druid,
        druid.cursor() as cursor,
    ):
        cursor.execute("CREATE TABLE druid_segments (id TEXT)")
    with pytest.raises(subprocess.CalledProcessError) as failed:
        create(script, tmp_path, environment | {"DRUID_METADATA_PASSWORD": "it's"})
    assert failed.value.returncode == 2
