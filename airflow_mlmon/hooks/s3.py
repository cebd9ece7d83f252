"""Makes S3 clients through the amazon provider's hook."""

from __future__ import annotations

from typing import Any

from airflow_mlmon.hooks.connection import connection


def s3_client(conn_id: str | None) -> Any:
    """The boto3 client of an Airflow connection; of boto3's own chain of credentials without one.

    Raises:
        ConfigError: there is no such connection.
    """
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook  # noqa: PLC0415 - boto is slow to import
    from botocore.config import Config  # noqa: PLC0415

    if conn_id is not None:
        connection(conn_id)  # the hook itself would go on without credentials
    # s3v4, as every S3 server takes presigned addresses of that kind and some no other
    config = Config(
        signature_version="s3v4", connect_timeout=10, read_timeout=60, retries={"mode": "standard", "max_attempts": 4}
    )
    return S3Hook(aws_conn_id=conn_id, config=config).get_conn()
