"""Reads the deployment's settings from Airflow's configuration."""

from __future__ import annotations

import os
from pathlib import Path

from airflow.sdk import conf

from airflow_mlmon.settings import SECTION, Settings, read_settings


def airflow_settings() -> Settings:
    """The settings of the section [mlmon], airflow.cfg and environment alike."""
    home = Path(os.environ.get("AIRFLOW_HOME", "~/airflow")).expanduser().absolute()
    base_url = conf.get("api", "base_url", fallback=None)
    return read_settings(lambda name: conf.get(SECTION, name, fallback=None), home, base_url)
