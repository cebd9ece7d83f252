"""A night on a real S3: archive and workspace in buckets, and what is said when it refuses."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.nightly import run_night
from airflow_mlmon.records import Status
from airflow_mlmon.storage import Storage
from tests.support.archive import FIRST, Archive
from tests.support.runs import opened, s3_writer

pytestmark = pytest.mark.service
NIGHT = Partition.of_day("loans", FIRST)


@pytest.fixture
def bucket(versity) -> str:
    return versity.bucket(f"loans-{uuid.uuid4().hex[:12]}")


@pytest.fixture
def archive(versity, bucket) -> Archive:
    archive = Archive(f"s3://{bucket}/archive", s3_writer(versity.client()))
    archive.write_all(2)
    return archive


def test_a_night_runs_on_s3_alone(versity, bucket, archive, tmp_path):
    client = versity.client()
    given = {"storage": Storage(lambda _: client), "workspace": f"s3://{bucket}/mlmon"}
    with opened(tmp_path, archive, **given) as run:
        run_night(run, NIGHT)
        ran = run_night(run, NIGHT.shift(1))

        assert run.store.night(NIGHT).status is Status.OK
        assert run.store.metrics("loans", FIRST, FIRST)[FIRST, "accuracy", None] is not None
        assert b"<script" not in run.files.read(ran.report)


def test_a_wrong_key_fails_the_night_and_another_model_goes_on(versity, bucket, archive, tmp_path):
    good = versity.client()
    versity.secret_key, right = "wrong", versity.secret_key
    refused = versity.client()
    versity.secret_key = right

    with opened(tmp_path, archive, storage=Storage(lambda _: refused)) as run:
        run_night(run, NIGHT)
        night = run.store.night(NIGHT)
        assert night.status is Status.FAILED
        assert "SignatureDoesNotMatch" in night.message
        assert right not in night.message
    with opened(tmp_path, archive, ("model: loans", "model: other"), storage=Storage(lambda _: good)) as run:
        run_night(run, Partition.of_day("other", FIRST))
        assert run.store.night(Partition.of_day("other", FIRST)).status is Status.OK


def test_an_absent_bucket_fails_the_night_and_is_named(versity, archive, tmp_path, bucket):
    client = versity.client()
    wrong = (f"s3://{bucket}/archive/predictions", "s3://no-such-bucket/predictions")
    with opened(tmp_path, archive, wrong, storage=Storage(lambda _: client)) as run:
        run_night(run, NIGHT)

        assert "S3 bucket 'no-such-bucket' does not exist" in run.store.night(NIGHT).message
        assert run.store.night(NIGHT).status is Status.FAILED


def test_a_night_after_a_failure_is_as_if_it_had_not_been(versity, archive, tmp_path, bucket):
    client = versity.client()
    wrong = (f"s3://{bucket}/archive/predictions", "s3://no-such-bucket/predictions")
    with opened(tmp_path, archive, wrong, storage=Storage(lambda _: client)) as run:
        run_night(run, NIGHT)
    with opened(tmp_path, archive, storage=Storage(lambda _: client)) as run:
        run_night(run, NIGHT)

        assert run.store.night(NIGHT).status is Status.OK
        assert run.store.alerts("loans", FIRST, FIRST + timedelta(days=1)) == []
