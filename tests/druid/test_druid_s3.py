"""Druid reads S3 itself, on the newest release whose jars can; its tasks run in a middle manager here."""

from __future__ import annotations

import uuid

import pytest

from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.druid.requirements import check_cluster
from airflow_mlmon.errors import ConfigError, ServiceRejectedError
from airflow_mlmon.partition import Partition
from airflow_mlmon.spec.druid import Druid
from airflow_mlmon.storage import Storage
from tests.support.archive import FIRST
from tests.support.druid.bucket import DAY, load_rows, rows_of, served
from tests.support.druid.operator import ingested
from tests.support.nightly_model import evaluate_day
from tests.support.runs import local_archive, opened

pytestmark = [pytest.mark.service, pytest.mark.timeout(300)]

DAY_OF_LOANS = Partition.of_day("loans", FIRST)


@pytest.fixture
def client(s3_cluster):
    return DruidClient(s3_cluster.url)


def test_druid_reads_a_day_from_s3_with_its_own_key(client, moto, tmp_path):
    archive = local_archive(tmp_path, 1)
    bucket = moto.bucket(f"druid-{uuid.uuid4().hex[:8]}")
    by_s3 = ("history: {days", "druid: {input: s3}\nhistory: {days")
    places = {"storage": Storage(lambda _: moto.client()), "workspace": f"s3://{bucket}/mlmon"}

    with opened(tmp_path, archive, by_s3, **places) as run:
        evaluate_day(run, DAY_OF_LOANS)
        done = ingested(run, client, FIRST).done

    assert done[f"loans_predictions {FIRST}"].rows == 80
    assert client.sql("SELECT COUNT(*) AS n FROM loans_predictions") == [{"n": 80}]


def test_presigned_addresses_need_nothing_of_the_middle_manager(client, bucket):
    done = load_rows(client, bucket, "managed", rows_of(DAY, 40))

    # this release does not say how many segments there are
    assert (done.rows, done.segments) == (40, None)
    assert served(client, "managed") == (40, 20.0)


def test_rows_of_another_day_fail_the_load_in_the_middle_manager_too(client, bucket):
    load_rows(client, bucket, "managed_outside", rows_of(DAY, 30))

    with pytest.raises(ServiceRejectedError, match="outside the partition"):
        load_rows(client, bucket, "managed_outside", rows_of(DAY.shift(1), 20), version="v2")

    assert served(client, "managed_outside") == (30, 15.0)


def test_a_workspace_on_the_disk_cannot_be_read_by_s3(client, tmp_path):
    archive = local_archive(tmp_path, 1)

    with opened(tmp_path, archive, ("history: {days", "druid: {input: s3}\nhistory: {days")) as run:
        evaluate_day(run, DAY_OF_LOANS)
        with pytest.raises(ConfigError, match="workspace in S3"):
            ingested(run, client, FIRST)


@pytest.mark.parametrize(
    ("section", "extension"),
    [({"format": "parquet"}, "druid-parquet-extensions"), ({"ingestion": "sql"}, "druid-multi-stage-query")],
)
def test_an_extension_that_is_not_there_is_named(client, section, extension):
    with pytest.raises(ConfigError, match=f"Druid 25.0.0 at .* has no {extension}"):
        check_cluster(client, Druid(**section))


def test_what_the_defaults_and_s3_need_is_there(client):
    check_cluster(client, Druid())
    check_cluster(client, Druid(input="s3"))
