"""S3 clients through the hook of the Amazon provider."""

from __future__ import annotations

from typing import Any

from airflow_mlmon.hooks.connection import connection


def s3_client(conn_id: str | None) -> Any:
    """Create the boto3 client of an Airflow connection, or of the default credential chain without one.

    Raises:
        ConfigError: the connection does not exist.
    """
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook  # noqa: PLC0415 - boto is slow to import
    from botocore.config import Config

    if conn_id is not None:
        connection(conn_id)  # the hook itself would continue without credentials
    # s3v4, because every S3 server accepts such presigned URLs and some accept no others
    config = Config(
        signature_version="s3v4", connect_timeout=10, read_timeout=60, retries={"mode": "standard", "max_attempts": 4}
    )
    return S3Hook(aws_conn_id=conn_id, config=config).get_conn()
