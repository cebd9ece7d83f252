"""Settings of the deployment from Airflow's configuration."""

from __future__ import annotations

import os
from pathlib import Path

from airflow.sdk import conf

from airflow_mlmon.settings import SECTION, Settings, read_settings


def read_airflow_settings(**given: str | None) -> Settings:
    """Read the settings: given values, else those of section [mlmon], from airflow.cfg and the environment."""
    home = Path(os.environ.get("AIRFLOW_HOME", "~/airflow")).expanduser().absolute()
    base_url = conf.get("api", "base_url", fallback=None)
    return read_settings(lambda name: given.get(name) or conf.get(SECTION, name, fallback=None), home, base_url)


def read_base_url() -> str:
    """Read the address of Airflow's API server, without a slash at its end; empty if it is not set."""
    base_url = conf.get("api", "base_url", fallback="") or ""
    return base_url.rstrip("/") if "://" in base_url else ""


def read_pages_url() -> str:
    """Read the address of the pages alone: a DAG file needs no other setting, some of which may run a command."""
    base_url = conf.get("api", "base_url", fallback="") or ""
    return (conf.get(SECTION, "reports_url", fallback="") or f"{base_url.rstrip('/')}/mlmon").rstrip("/")


def has_connection_in_environment(conn_id: str) -> bool:
    """Say whether a connection is declared by an environment variable, as Airflow reads them."""
    return f"AIRFLOW_CONN_{conn_id.upper()}" in os.environ
