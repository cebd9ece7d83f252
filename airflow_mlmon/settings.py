"""Settings of a deployment: the store, the workspace and the services around them.

They are the options of section `[mlmon]` of airflow.cfg, with Airflow's environment variables
(`AIRFLOW__MLMON__STORE` …); without Airflow only the variables are read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airflow_mlmon.links import LinkTemplates

SECTION = "mlmon"

OPTIONS: dict[str, dict[str, Any]] = {
    "store": {
        "description": "SQLAlchemy URL of the metric store: SQLite, PostgreSQL, MySQL 8 or MariaDB. Default: SQLite, "
        "mlmon/store.db below AIRFLOW_HOME.",
        "version_added": "0.1.0",
        "type": "string",
        "example": "postgresql+psycopg://mlmon:secret@db.example.com/mlmon",
        "default": "",
        "sensitive": True,
    },
    "workspace": {
        "description": "Folder (s3://, abfs://, gs:// or a path) of curated partitions, profiles and reports. "
        "Default: mlmon/workspace below AIRFLOW_HOME.",
        "version_added": "0.1.0",
        "type": "string",
        "example": "s3://ml-monitoring/mlmon",
        "default": "",
    },
    "workspace_connection": {
        "description": "Airflow connection of a workspace in an object store. Default: credentials of the environment.",
        "version_added": "0.1.0",
        "type": "string",
        "example": "aws_default",
        "default": "",
    },
    "hash_key": {
        "description": "Key with which personal columns marked `hash` are hashed.",
        "version_added": "0.1.0",
        "type": "string",
        "example": None,
        "default": "",
        "sensitive": True,
    },
    "reports_url": {
        "description": "Base URL of the reports, for the links in messages. "
        "Default: /mlmon below Airflow's `[api] base_url`, else the folder of the reports itself.",
        "version_added": "0.1.0",
        "type": "string",
        "example": "https://airflow.example.com/mlmon",
        "default": "",
    },
    "channels": {
        "description": "YAML file of channels shared by several models: `channels:`, a list as in a spec, in which "
        "each may "
        "name the `models` and `owners` that it serves.",
        "version_added": "0.1.0",
        "type": "string",
        "example": "/opt/airflow/mlmon/channels.yaml",
        "default": "",
    },
    "pushgateway": {
        "description": "Airflow connection of type mlmon_pushgateway or http of a Prometheus Pushgateway; the gauges "
        "of a model are pushed after each run.",
        "version_added": "0.1.0",
        "type": "string",
        "example": "pushgateway",
        "default": "",
    },
    "metrics_folder": {
        "description": "Folder of the node exporter's textfile collector, to which the same gauges are written.",
        "version_added": "0.1.0",
        "type": "string",
        "example": "/var/lib/prometheus/node-exporter",
        "default": "",
    },
    "trace_url": {
        "description": "URL of a trace, for the links of pages and alerts. Placeholders: {trace} and {span} are their "
        "ids, {model}, {partition} the day, {from} and {to} milliseconds around its run.",
        "version_added": "0.1.0",
        "type": "string",
        "example": "https://jaeger.example.com/trace/{trace}",
        "default": "",
    },
    "log_url": {
        "description": "URL of the lines of the log of a day, with the same placeholders. Default: the day's run in "
        "Airflow.",
        "version_added": "0.1.0",
        "type": "string",
        "example": "https://logs.example.com/search?query=trace_id%3D{trace}&from={from}&to={to}",
        "default": "",
    },
    "metrics_token": {
        "description": "Bearer token with which Prometheus may scrape the state of all models from /mlmon/metrics of "
        "Airflow's API server; without it nothing is served there.",
        "version_added": "0.1.0",
        "type": "string",
        "example": None,
        "default": "",
        "sensitive": True,
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of a deployment, with the defaults filled in."""

    store: str = field(repr=False)
    workspace: str
    workspace_connection: str | None
    hash_key: bytes | None = field(repr=False)
    reports_url: str = ""
    channels: str | None = None
    pushgateway: str | None = None
    metrics_folder: str | None = None
    metrics_token: str | None = field(default=None, repr=False)
    links: LinkTemplates = field(default_factory=LinkTemplates)

    @property
    def reports(self) -> str:
        """Folder of the reports."""
        return f"{self.workspace.rstrip('/')}/reports"


def read_settings(option: Callable[[str], str | None], home: Path, base_url: str | None = None) -> Settings:
    """Read the settings by name through `option`, and fill in the defaults.

    Args:
        option: returns the value of an option, if it is set.
        home: AIRFLOW_HOME.
        base_url: address of Airflow's API server, if known.
    """
    workspace = option("workspace") or str(home / "mlmon" / "workspace")
    served = f"{base_url.rstrip('/')}/mlmon" if base_url and "://" in base_url else f"{workspace.rstrip('/')}/reports"
    return Settings(
        store=option("store") or f"sqlite:///{home / 'mlmon' / 'store.db'}",
        workspace=workspace,
        workspace_connection=option("workspace_connection") or None,
        hash_key=(option("hash_key") or "").encode() or None,
        reports_url=(option("reports_url") or served).rstrip("/"),
        channels=option("channels") or None,
        pushgateway=option("pushgateway") or None,
        metrics_folder=option("metrics_folder") or None,
        metrics_token=option("metrics_token") or None,
        links=LinkTemplates(trace=option("trace_url") or "", log=option("log_url") or ""),
    )


def read_environment_settings(environment: Mapping[str, str], **given: str | None) -> Settings:
    """Read the settings of a shell: given values, else Airflow's variables, else the defaults."""
    home = Path(environment.get("AIRFLOW_HOME", "~/airflow")).expanduser().absolute()

    def option(name: str) -> str | None:
        return given.get(name) or environment.get(f"AIRFLOW__{SECTION.upper()}__{name.upper()}")

    return read_settings(option, home, environment.get("AIRFLOW__API__BASE_URL"))
