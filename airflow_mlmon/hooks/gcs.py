"""Credentials for Google Cloud Storage from Airflow connections of type `google_cloud_platform`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow_mlmon.hooks.connection import connection


def gcs_options(conn_id: str | None) -> Mapping[str, Any]:
    """Return project and key file of a connection, or none without one: they are then found as by Google's own tools.

    Raises:
        ConfigError: the connection does not exist.
    """
    if conn_id is None:
        return {}
    extra = connection(conn_id).extra_dejson
    options = {"project": extra["project"]} if extra.get("project") else {}
    keyfile = extra.get("keyfile_dict") or (Path(extra["key_path"]).read_text() if extra.get("key_path") else None)
    if keyfile:
        options["keyfile"] = json.loads(keyfile) if isinstance(keyfile, str) else keyfile
    return options
