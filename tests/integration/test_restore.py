"""The drill: a store and a workspace are backed up, lost, and restored elsewhere, and go on as if nothing had been."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import sqlalchemy as sa

from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.pipeline.history.reevaluate import reevaluate
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.pages.report import write_pages
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import Status
from airflow_mlmon.storage import Storage
from airflow_mlmon.store.metric_store import MetricStore
from tests.support.archive import FIRST, Archive, day_table
from tests.support.mariadb import fresh_mariadb
from tests.support.postgres import fresh_database
from tests.support.published import publish_breach
from tests.support.runs import local_archive, opened

pytestmark = pytest.mark.service

DAYS = 4
# of when and how long a day was worked on, which is another time after a disaster
TIMED = {"mlmon_steps", "mlmon_releases"}
MOMENTS = re.compile(r"\d+(?:\.\d+)? (?:ms|s)\b|\d{4}-\d\d-\d\dT[\d:.]+")


def day(offset: int):
    return FIRST + timedelta(days=offset)


@contextmanager
def opened_at(archive: Archive, store: str, workspace: str, versity) -> Iterator[Run]:
    spec = parse_spec(archive.spec_text(extra=["evidently: none"]), "loans.yaml")
    with MetricStore(store) as opened:
        yield Run(spec=spec, store=opened, storage=Storage(lambda _: versity.client()), workspace=workspace)


def go_on(run: Run) -> dict[str, str]:
    """Run a new day and a past one, evaluate and write the others again; the pages of all days."""
    for offset in (DAYS - 1, 1):
        run_partition(run, run.partition(day(offset)))
    list(reevaluate(run, day(0), day(DAYS - 1)))
    write_pages(run, list(run.partitions(day(0), day(DAYS - 1))))
    pages = {item.uri.removeprefix(run.workspace): item.uri for item in run.files.list(run.report_uri(""))}
    read = {name: run.files.read(uri).decode() for name, uri in pages.items() if name.endswith(".html")}
    return {name: MOMENTS.sub("", text.replace(run.workspace, "W")) for name, text in read.items()}


def rows_of(url: str, workspace: str) -> dict[str, list[str]]:
    """The rows of all tables, wherever their workspace is."""
    with MetricStore(url) as store, store._database.reading() as connection:
        names = [name for name in sa.inspect(connection).get_table_names() if name not in TIMED]
        found = {name: connection.execute(sa.text(f"SELECT * FROM {name}")).all() for name in names}  # noqa: S608
    return {name: sorted(repr(tuple(row)).replace(workspace, "W") for row in rows) for name, rows in found.items()}


def copy_workspace(client, source: str, target: str) -> None:
    """As `aws s3 sync` does."""
    (bucket, prefix), (to, below) = (urlsplit(uri)[1:3] for uri in (source, target))
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix.lstrip("/")):
        for item in page["Contents"]:
            key = below.lstrip("/") + item["Key"].removeprefix(prefix.lstrip("/"))
            client.copy_object(Bucket=to, Key=key, CopySource={"Bucket": bucket, "Key": item["Key"]})


def empty(client, bucket: str) -> None:
    for item in client.list_objects_v2(Bucket=bucket)["Contents"]:
        client.delete_object(Bucket=bucket, Key=item["Key"])


def test_restored_elsewhere_the_days_go_on_as_they_would_have(tmp_path, postgres, versity):
    archive, client = local_archive(tmp_path, DAYS), versity.client()
    before, after = f"s3://{versity.bucket('before')}/mlmon", f"s3://{versity.bucket('after')}/deep/below"
    store, restored = fresh_database(postgres), fresh_database(postgres)
    with opened_at(archive, store, before, versity) as run:
        for offset in range(DAYS - 1):
            run_partition(run, run.partition(day(offset)))

    # the store first: all that it points to is in a copy that is made later
    dump = tmp_path / "store.dump"
    subprocess.run(["pg_dump", "--format=custom", f"--file={dump}", store], check=True)
    copy_workspace(client, before, after)
    # rows that come late, whose labels are sought in deliveries from before
    archive.write_predictions(day(1), day_table(day(1), 90))
    with opened_at(archive, store, before, versity) as run:
        pages = go_on(run)
    rows = rows_of(store, before)
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {store.rpartition('/')[2]}")
    empty(client, "before")

    subprocess.run(["pg_restore", "--no-owner", f"--dbname={restored}", str(dump)], check=True)
    with opened_at(archive, restored, after, versity) as run:
        again = go_on(run)

    assert len(pages) > DAYS
    assert again == pages
    moved = rows_of(restored, after)
    assert moved.keys() == rows.keys()
    # where labels and schemas were before they were moved, is all that is told of it
    old = {name: [row.replace(before, "W") for row in found] for name, found in moved.items()}
    assert {name for name in rows if old[name] != rows[name]} == set()


@pytest.mark.parametrize("kind", ["sqlite", "mysql"])
def test_other_stores_are_restored_from_what_their_own_tools_write(kind, tmp_path, request):
    server = request.getfixturevalue("mariadb") if kind == "mysql" else ""
    url = fresh_mariadb(server) if server else f"sqlite:///{tmp_path}/store.db"
    with MetricStore(url) as store:
        publish_breach(store)
    known = rows_of(url, "")

    if kind == "sqlite":
        restored = f"sqlite:///{tmp_path}/restored.db"
        with MetricStore(url) as store, store._database.asking() as connection:
            connection.exec_driver_sql(f"VACUUM INTO '{tmp_path}/restored.db'")
    else:
        restored = fresh_mariadb(server)
        address = urlsplit(url)
        own = [f"--host={address.hostname}", f"--port={address.port}", "--user=root"]
        dumping = ["mariadb-dump", *own, "--single-transaction", address.path.lstrip("/")]
        dump = subprocess.run(dumping, check=True, capture_output=True).stdout
        subprocess.run(["mariadb", *own, urlsplit(restored).path.lstrip("/")], input=dump, check=True)

    assert rows_of(restored, "") == known
    assert known["mlmon_alerts"]


def test_lost_workspace_is_made_again_by_running_its_days_twice(tmp_path):
    """Labels are received by the run of a later day: the first time there are none yet of days whose rows have some."""
    archive, days = local_archive(tmp_path, 3), range(3)
    with opened(tmp_path, archive) as run:
        for offset in days:
            run_partition(run, run.partition(day(offset)))
        known = [run.store.metric_values(run.partition(day(offset))) for offset in days]
        schema = run.store.current_schema(run.model)

    shutil.rmtree(tmp_path / "workspace")
    with opened(tmp_path, archive) as run:
        for offset in (*days, *days):
            with suppress(NotFoundError):
                run_partition(run, run.partition(day(offset)))

        assert {state.status for state in run.store.states(run.model, day(0), day(2))} == {Status.OK}
        assert [run.store.metric_values(run.partition(day(offset))) for offset in days] == known
        assert run.store.current_schema(run.model) == schema
        assert Path(run.report_uri(str(FIRST), "report.html")).exists()
