"""A day on a real S3: archive and workspace in buckets, and what is said when it refuses."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.records import Status
from airflow_mlmon.storage import Storage
from tests.support.archive import FIRST, Archive
from tests.support.runs import opened, s3_writer

pytestmark = pytest.mark.service
DAY = Partition.of_day("loans", FIRST)


@pytest.fixture
def bucket(versity) -> str:
    return versity.bucket(f"loans-{uuid.uuid4().hex[:12]}")


@pytest.fixture
def archive(versity, bucket) -> Archive:
    archive = Archive(f"s3://{bucket}/archive", s3_writer(versity.client()))
    archive.write_all(2)
    return archive


def test_a_day_runs_on_s3_alone(versity, bucket, archive, tmp_path):
    client = versity.client()
    given = {"storage": Storage(lambda _: client), "workspace": f"s3://{bucket}/mlmon"}
    with opened(tmp_path, archive, **given) as run:
        run_partition(run, DAY)
        ran = run_partition(run, DAY.shift(1))

        assert run.store.state(DAY).status is Status.OK
        assert run.store.metrics("loans", FIRST, FIRST)[FIRST, "accuracy", None] is not None
        assert b"<script" not in run.files.read(ran.report)


def test_a_wrong_key_fails_the_day_and_another_model_goes_on(versity, bucket, archive, tmp_path):
    good = versity.client()
    versity.secret_key, right = "wrong", versity.secret_key
    refused = versity.client()
    versity.secret_key = right

    with opened(tmp_path, archive, storage=Storage(lambda _: refused)) as run:
        run_partition(run, DAY)
        state = run.store.state(DAY)
        assert state.status is Status.FAILED
        assert "SignatureDoesNotMatch" in state.message
        assert right not in state.message
    with opened(tmp_path, archive, ("model: loans", "model: other"), storage=Storage(lambda _: good)) as run:
        run_partition(run, Partition.of_day("other", FIRST))
        assert run.store.state(Partition.of_day("other", FIRST)).status is Status.OK


def test_an_absent_bucket_fails_the_day_and_is_named(versity, archive, tmp_path, bucket):
    client = versity.client()
    wrong = (f"s3://{bucket}/archive/predictions", "s3://no-such-bucket/predictions")
    with opened(tmp_path, archive, wrong, storage=Storage(lambda _: client)) as run:
        run_partition(run, DAY)

        assert "S3 bucket 'no-such-bucket' does not exist" in run.store.state(DAY).message
        assert run.store.state(DAY).status is Status.FAILED


def test_a_day_after_a_failure_is_as_if_it_had_not_been(versity, archive, tmp_path, bucket):
    client = versity.client()
    wrong = (f"s3://{bucket}/archive/predictions", "s3://no-such-bucket/predictions")
    with opened(tmp_path, archive, wrong, storage=Storage(lambda _: client)) as run:
        run_partition(run, DAY)
    with opened(tmp_path, archive, storage=Storage(lambda _: client)) as run:
        run_partition(run, DAY)

        assert run.store.state(DAY).status is Status.OK
        assert run.store.alerts("loans", FIRST, FIRST + timedelta(days=1)) == []
