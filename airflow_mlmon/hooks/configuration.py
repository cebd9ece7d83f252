"""Settings of the deployment from Airflow's configuration."""

from __future__ import annotations

import os
from pathlib import Path

from airflow.sdk import conf

from airflow_mlmon.settings import SECTION, Settings, read_settings


def read_airflow_settings() -> Settings:
    """Read the settings of section [mlmon], from airflow.cfg and the environment."""
    home = Path(os.environ.get("AIRFLOW_HOME", "~/airflow")).expanduser().absolute()
    base_url = conf.get("api", "base_url", fallback=None)
    return read_settings(lambda name: conf.get(SECTION, name, fallback=None), home, base_url)
