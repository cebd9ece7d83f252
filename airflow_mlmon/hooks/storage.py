"""Object stores and caches with the credentials of Airflow's connections."""

from __future__ import annotations

from airflow_mlmon.hooks.azure import azure_options
from airflow_mlmon.hooks.gcs import gcs_options
from airflow_mlmon.hooks.redis import create_redis_cache
from airflow_mlmon.hooks.s3 import s3_client
from airflow_mlmon.storage import Storage


def open_storage() -> Storage:
    """Return the object stores of a run; each is opened when a URI of it is used first."""
    return Storage(s3_client, create_redis_cache, azure_options, gcs_options)
