"""The comparison reads S3 with the environment's own credentials."""

from __future__ import annotations

import io

import pyarrow.parquet as pq
import pytest

import airflow_mlmon
from airflow_mlmon.errors import NotFoundError
from tests.support.comparison import make_rows
from tests.support.s3 import MotoServer

pytestmark = pytest.mark.service


@pytest.fixture
def bucket(monkeypatch):
    with MotoServer() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.access_key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret_key)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        name = server.bucket("data")
        for number in range(3):
            buffer = io.BytesIO()
            pq.write_table(make_rows(100, number), buffer)
            server.client().put_object(Bucket=name, Key=f"rows/{number}/part.parquet", Body=buffer.getvalue())
        yield name


def test_objects_folders_and_globs_are_read(bucket):
    assert airflow_mlmon.profile(f"s3://{bucket}/rows/0/part.parquet").profile.rows == 100
    assert airflow_mlmon.profile(f"s3://{bucket}/rows").profile.rows == 300
    assert airflow_mlmon.profile(f"s3://{bucket}/rows/*/part.parquet").profile.rows == 300
    assert airflow_mlmon.profile(f"s3://{bucket}/rows/[!0]/part.parquet").profile.rows == 200
    assert airflow_mlmon.profile(f"s3://{bucket}/rows/[01]").profile.rows == 200
    assert airflow_mlmon.profile(f"s3://{bucket}/**/*.parquet").profile.rows == 300
    with pytest.raises(NotFoundError, match="No data files found at s3://data/rows/\\*\\.parquet"):
        airflow_mlmon.profile(f"s3://{bucket}/rows/*.parquet")


def test_comparison_of_two_objects(bucket):
    found = airflow_mlmon.compare(f"s3://{bucket}/rows/0", f"s3://{bucket}/rows/1")

    assert found.drifted == ()
    assert found.current.files == (f"s3://{bucket}/rows/1/part.parquet",)
