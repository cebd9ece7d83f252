"""`mlmon doctor` on real components: what it says when all is well, and of each thing that is not."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

# its logger keeps the output that there is when it is imported first, which must not be that of one test
from airflow.sdk import BaseHook

from airflow_mlmon.capture.marks import key_id
from airflow_mlmon.cli.main import main
from airflow_mlmon.doctor import machine
from airflow_mlmon.doctor.diagnosis import Diagnosis, Health, guarded
from airflow_mlmon.doctor.places import check_metric_store, check_workspace_access
from airflow_mlmon.doctor.services import check_redis
from airflow_mlmon.fleet import RegisteredModel
from airflow_mlmon.hooks.workers import AirflowWorkers, find_workers
from airflow_mlmon.storage.s3 import S3Store
from airflow_mlmon.store import schema
from airflow_mlmon.store.database import Database
from airflow_mlmon.store.metric_store import MetricStore
from airflow_mlmon.store.migration import read_revision, take_back
from airflow_mlmon.store.schema import VERSION_TABLE
from tests.support.archive import FIRST, Archive
from tests.support.fault_proxy import FaultProxy, refuse
from tests.support.inbox import mail_server, web_server
from tests.support.mariadb import fresh_mariadb
from tests.support.postgres import fresh_database
from tests.support.processes import free_port
from tests.support.prometheus import Alertmanager, PushGateway
from tests.support.published import publish_breach
from tests.support.redis import RedisServer
from tests.support.runs import s3_writer

pytestmark = pytest.mark.service

CHANNELS = """\
  channels:
    - {webhook: hook}
    - {alertmanager: am}
    - notifier: airflow.providers.smtp.notifications.smtp.SmtpNotifier
      arguments: {to: owner@example.org, subject: "{subject}", html_content: "{text}"}
"""
BUCKET = "deployment"


def now() -> datetime:
    return datetime.now(UTC)


def later(**by: float) -> Callable[[], datetime]:
    """A clock that is ahead of that of every server."""
    return lambda: datetime.now(UTC) + timedelta(**by)


def by_health(findings: Iterator[Diagnosis], health: Health = Health.FAILURE) -> list[Diagnosis]:
    return [one for one in findings if one.health is health]


def connect(patch: pytest.MonkeyPatch, name: str, **fields: object) -> None:
    patch.setenv(f"AIRFLOW_CONN_{name}", json.dumps(fields))


@pytest.fixture(scope="module")
def deployment(versity, tmp_path_factory) -> Iterator[Path]:
    """A spec, its archive and workspace on an S3, its store, receivers of three kinds and a push gateway, all well."""
    home = tmp_path_factory.mktemp("deployment")
    archive = Archive(f"s3://{versity.bucket(BUCKET)}", s3_writer(versity.client()))
    archive.write_reference()
    archive.write_day(FIRST)
    # the last day that is over is the last of the spec, whose files are there
    named = ("predictions:\n", "predictions:\n  connection: aws_default\n")
    text = archive.spec_text(named, ("alerts:\n", f"alerts:\n{CHANNELS}"), extra=[f"end: {FIRST}"])
    (home / "loans.yaml").write_text(text)
    smtp = {"disable_ssl": True, "disable_tls": True, "retry_limit": 0, "timeout": 5}
    with (
        pytest.MonkeyPatch.context() as patch,
        Alertmanager(home) as alertmanager,
        PushGateway(home) as gateway,
        web_server() as hook,
        mail_server() as mail,
    ):
        patch.setenv("AIRFLOW_CONN_AWS_DEFAULT", versity.connection())
        for name, url in (("HOOK", hook.url), ("AM", alertmanager.url), ("GATEWAY", gateway.url)):
            connect(patch, name, conn_type="http", host=url, extra={"allow_private": True})
        connect(patch, "SMTP_DEFAULT", conn_type="smtp", host="127.0.0.1", port=mail.port, extra=smtp)
        settings = {"STORE": f"sqlite:///{home}/store.db", "WORKSPACE": f"s3://{BUCKET}/mlmon"}
        settings |= {"WORKSPACE_CONNECTION": "aws_default", "HASH_KEY": "k" * 32, "PUSHGATEWAY": "gateway"}
        settings |= {"REPORTS_URL": "https://airflow.example.com/mlmon", "METRICS_FOLDER": str(home)}
        for name, value in settings.items():
            patch.setenv(f"AIRFLOW__MLMON__{name}", value)
        MetricStore(settings["STORE"]).close()
        yield home
        # who only asks sends nobody anything
        assert (hook.posts, mail.mails, alertmanager.firing()) == ([], [], [])


def test_connections_are_those_that_airflow_knows(deployment):
    assert BaseHook.get_connection("am").conn_type == "http"


@pytest.fixture
def doctor(deployment, capsys) -> Callable[[], tuple[int, dict[str, dict[str, str]]]]:
    """Examine the deployment; the exit code, and the findings that are not well by what they are about."""

    def call() -> tuple[int, dict[str, dict[str, str]]]:
        code = main(["doctor", str(deployment / "loans.yaml"), "--json"])
        found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        return code, {one["part"]: one for one in found if one["health"] != "ok" and one["part"] != "disk"}

    return call


def test_what_is_well_is_said_to_be(deployment, versity, capsys):
    code = main(["doctor", str(deployment / "loans.yaml")])
    printed = capsys.readouterr().out
    assert code == 0, printed
    for said in (
        "ok      versions: airflow-mlmon ",
        "may be written to",
        "an object was written, listed, read and deleted",
        f"predictions of {FIRST}: 2 files",
        "the Pushgateway of connection 'gateway' is ready",
        "the Alertmanager of connection 'am' is ready",
        "the webhook of connection 'hook' answers (501 to an empty GET)",
        "SmtpNotifier: the mail server of connection 'smtp_default' answers",
    ):
        assert said in printed
    assert printed.splitlines()[-1].startswith("0 wrong, ")
    keys = [item["Key"] for item in versity.client().list_objects_v2(Bucket=BUCKET).get("Contents", ())]
    assert not [key for key in keys if key.startswith("mlmon/")]


def test_wrong_key_of_s3_is_found_where_it_matters(doctor, versity, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", versity.connection(password="wrong"))

    code, found = doctor()

    assert code == 1
    assert {"workspace", "loans: archive"} <= set(found)
    assert "SignatureDoesNotMatch" in found["workspace"]["said"]
    assert "access key" in found["workspace"]["hint"]


@pytest.mark.parametrize(
    ("method", "is_listing", "said"),
    [
        ("PUT", False, "S3 refused the request"),
        ("GET", True, "one may not list in it"),
        ("GET", False, "one may not read in it"),
        ("DELETE", False, "one may not delete in it"),
    ],
)
def test_each_permission_that_is_lacking_is_named(versity, deployment, method, is_listing, said):
    def choose(asked):
        return refuse(403, "AccessDenied") if (asked.method, asked.is_listing) == (method, is_listing) else None

    with FaultProxy(versity.port, choose) as proxy:
        files = S3Store(versity.client(proxy.endpoint))
        found = by_health(guarded("workspace", lambda: check_workspace_access(files, f"s3://{BUCKET}/mlmon", now)))

    assert [said in one.said for one in found] == [True]
    assert found[0].hint


def test_receivers_that_are_away_or_refuse_are_named(doctor, monkeypatch):
    away = f"http://127.0.0.1:{free_port()}"
    with web_server() as hook:
        hook.status = 403
        connect(monkeypatch, "AM", conn_type="http", host=away, extra={"allow_private": True})
        connect(monkeypatch, "HOOK", conn_type="http", host=away.replace("http", "https"))
        monkeypatch.delenv("AIRFLOW_CONN_GATEWAY")
        smtp = {"disable_ssl": True, "disable_tls": True, "retry_limit": 0, "timeout": 5}
        connect(monkeypatch, "SMTP_DEFAULT", conn_type="smtp", host="127.0.0.1", port=free_port(), extra=smtp)

        code, found = doctor()

    assert code == 1
    assert "cannot be reached" in found["channel alertmanager:am"]["said"]
    assert "no public address" in found["channel webhook:hook"]["said"]
    assert "'gateway' does not exist" in found["push gateway"]["said"]
    mail = found["channel notifier:airflow.providers.smtp.notifications.smtp.SmtpNotifier#1"]
    assert ("Connection refused" in mail["said"], "host, port and login" in mail["hint"]) == (True, True)


def test_model_that_cannot_run_is_named(doctor, deployment, monkeypatch, capsys):
    spec = deployment / "loans.yaml"
    kept = spec.read_text()
    try:
        spec.write_text(kept.replace("personal: drop", "personal: hash"))
        monkeypatch.delenv("AIRFLOW__MLMON__HASH_KEY")
        code, found = doctor()
        assert (code, "hash_key is not set" in found["loans: setting hash_key"]["said"]) == (1, True)
        spec.write_text(kept + "druid: {connection: nowhere}\nduplicates: {days: 3, redis: nobody}\n")
        code, found = doctor()
        assert (code, found["druid"]["said"]) == (1, "Airflow connection 'nowhere' does not exist.")
        assert "'nobody' does not exist" in found["redis nobody"]["said"]
        spec.write_text(kept + "nothing: 1\n")
        code, found = doctor()
        assert (code, "mlmon check" in found["loans: spec"]["hint"]) == (1, True)
    finally:
        spec.write_text(kept)
    assert main(["doctor", "nowhere.yaml"]) == 1
    assert "nowhere.yaml: cannot read the file" in capsys.readouterr().out


def test_hash_key_that_is_another_than_in_the_last_run_is_found(doctor, deployment, monkeypatch):
    spec = deployment / "loans.yaml"
    kept = spec.read_text()
    key = os.environ["AIRFLOW__MLMON__HASH_KEY"].encode()
    with MetricStore(os.environ["AIRFLOW__MLMON__STORE"]) as store:
        store.register(RegisteredModel(model="loans", hash_key=key_id(key)))
    try:
        spec.write_text(kept.replace("personal: drop", "personal: hash"))
        assert "loans: setting hash_key" not in doctor()[1]
        monkeypatch.setenv("AIRFLOW__MLMON__HASH_KEY", "z" * 32)
        code, found = doctor()
    finally:
        spec.write_text(kept)

    said = found["loans: setting hash_key"]
    assert (code, f"than that of the last run ({key_id(key)})" in said["said"]) == (1, True)
    assert "Rotating keys" in said["hint"]


def test_weak_keys_and_no_address_are_warned_of(doctor, deployment, monkeypatch):
    monkeypatch.setenv("AIRFLOW__MLMON__METRICS_TOKEN", "abc")
    monkeypatch.delenv("AIRFLOW__MLMON__REPORTS_URL")
    monkeypatch.setenv("AIRFLOW__MLMON__METRICS_FOLDER", str(deployment / "loans.yaml"))

    code, found = doctor()

    assert code == 1
    assert "those who read them may not have" in found["setting reports_url"]["said"]
    assert "can be guessed" in found["setting metrics_token"]["said"]
    assert "Cannot access" in found["metrics folder"]["said"]


@pytest.mark.parametrize(
    ("by", "found"),
    [(2.2, (Health.WARNING, "2 minutes behind")), (60.2, (Health.FAILURE, "1 h 0 min behind"))],
)
def test_clocks_that_are_apart_are_found(versity, deployment, request, by, found):
    health, apart = found
    files, clock = S3Store(versity.client()), later(minutes=by)

    of_workspace = list(check_workspace_access(files, f"s3://{BUCKET}/mlmon", clock))
    assert [(one.health, apart in one.said, "NTP" in one.hint) for one in of_workspace] == [(health, True, True)]
    stores = [fresh_database(request.getfixturevalue("postgres")), fresh_mariadb(request.getfixturevalue("mariadb"))]
    for url in stores:
        of_store = by_health(check_metric_store(url, clock), health)
        assert any(apart in one.said for one in of_store)


def test_signature_of_a_clock_an_hour_off_is_refused_with_the_reason(versity, deployment, monkeypatch):
    monkeypatch.setattr("botocore.auth.get_current_datetime", later(hours=1))
    with pytest.raises(Exception, match="clock") as caught:
        S3Store(versity.client()).list(f"s3://{BUCKET}/mlmon/")

    assert "RequestTimeTooSkewed" in str(caught.value)
    assert "NTP" in caught.value.hint


def test_earlier_store_is_named_and_left_as_it_is(tmp_path):
    url = f"sqlite:///{tmp_path}/store.db"
    MetricStore(url).close()
    database = Database(url)
    take_back(database, "0020")

    [found] = by_health(check_metric_store(url, now), Health.WARNING)

    assert "has schema 0020" in found.said
    assert "mlmon store upgrade" in found.hint
    assert read_revision(database) == "0020"
    database.close()
    [absent] = check_metric_store(f"sqlite:///{tmp_path}/nowhere.db", now)
    assert (absent.health, Path(tmp_path, "nowhere.db").exists()) == (Health.WARNING, False)


def test_later_store_and_lost_messages_are_named(tmp_path, doctor, monkeypatch):
    url = f"sqlite:///{tmp_path}/store.db"
    monkeypatch.setenv("AIRFLOW__MLMON__STORE", url)
    with MetricStore(url) as store:
        publish_breach(store)
    database = Database(url)
    with database.writing() as connection:
        connection.execute(sa.update(schema.outbox).values(state="dead"))
    assert "could not be delivered" in doctor()[1]["store"]["said"]

    with database.writing() as connection:
        connection.execute(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = '0099'"))  # noqa: S608 - a constant
        connection.execute(sa.insert(schema.releases).values(revision="0099", release="9.9.0"))
    code, found = doctor()

    assert (code, "install airflow-mlmon>=9.9.0 here" in found["store"]["hint"]) == (1, True)
    database.close()


def test_user_of_the_store_who_may_not_write_is_refused(postgres, doctor, monkeypatch):
    url = fresh_database(postgres)
    MetricStore(url).close()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE ROLE reader LOGIN")
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    monkeypatch.setenv("AIRFLOW__MLMON__STORE", url.replace("mlmon@", "reader@"))

    code, found = doctor()
    assert (code, "permission denied" in found["store"]["said"]) == (1, True)

    monkeypatch.setenv("AIRFLOW__MLMON__STORE", f"postgresql://mlmon:s3cret@127.0.0.1:{free_port()}/mlmon")
    code, found = doctor()
    assert (code, "s3cret" in str(found), "onnection" in found["store"]["said"]) == (1, False, True)


def test_redis_that_is_away_is_a_warning():
    with RedisServer() as server:
        [found] = check_redis("redis", server.cache(), now)
        assert found.health is Health.OK
        cache = server.cache()
    [found] = check_redis("redis", cache, now)

    assert (found.health, "read from the workspace" in found.said) == (Health.WARNING, True)


def test_package_of_another_version_is_named(tmp_path, monkeypatch):
    """As a resolver that was overruled leaves it."""
    for name, version in (("pandas", "3.1.0"), ("psycopg", "2.9")):
        folder = tmp_path / f"{name}-{version}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    monkeypatch.syspath_prepend(tmp_path)

    found = {one.said: one.hint for one in machine.check_versions()}

    assert found["pandas 3.1.0 is installed, but airflow-mlmon needs <3.1,>=2.2"] == "pip install 'pandas<3.1,>=2.2'"
    assert [said for said in found if said.startswith("psycopg 2.9 is installed")]


def test_room_on_the_disk_is_said_and_its_lack_found(tmp_path, monkeypatch):
    assert {one.health for one in machine.check_disk({"the store": tmp_path / "not" / "yet"})} <= {"ok", "warning"}
    monkeypatch.setattr(machine, "_LITTLE", 1 << 60)
    [found] = machine.check_disk({})
    assert (found.health, "TMPDIR" in found.hint) == (Health.WARNING, True)
    monkeypatch.setattr(machine, "_TOO_LITTLE", 1 << 60)
    [found] = machine.check_disk({})
    assert found.health is Health.FAILURE


def test_workers_are_those_of_the_airflow_that_is_there(tmp_path, monkeypatch):
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    assert find_workers() is None
    (tmp_path / "airflow.cfg").touch()
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    found = find_workers()
    assert (found.executor, found.preloads) == ("CeleryExecutor", False)
    said = [one.said for one in machine.check_workers(found, f"sqlite:///{os.devnull}")]
    assert ["SQLite" in said[0], "imports nothing before" in said[1]] == [True, True]

    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "airflow_local_settings.py").write_text("preload_tasks()")
    [found] = machine.check_workers(find_workers(), "postgresql://db/mlmon")
    assert found.health is Health.OK
    anew = AirflowWorkers(executor="LocalExecutor", starts_anew=True, preloads=True)
    assert [one.health for one in machine.check_workers(anew, "")] == [Health.WARNING]
