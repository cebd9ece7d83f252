"""The deployment's settings: where the store and the workspace are.

They are the options of the section `[mlmon]` of airflow.cfg, with Airflow's own environment
variables (`AIRFLOW__MLMON__STORE` …); without Airflow the variables alone count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SECTION = "mlmon"

OPTIONS: dict[str, dict[str, Any]] = {
    "store": {
        "description": "SQLAlchemy URL of the metric store. Default: SQLite, mlmon/store.db below AIRFLOW_HOME.",
        "version_added": "0.1.0",
        "type": "string",
        "example": "postgresql+psycopg://mlmon:secret@db.example.com/mlmon",
        "default": "",
        "sensitive": True,
    },
    "workspace": {
        "description": "Folder (s3:// or a path) of curated partitions, profiles and reports. "
        "Default: mlmon/workspace below AIRFLOW_HOME.",
        "version_added": "0.1.0",
        "type": "string",
        "example": "s3://ml-monitoring/mlmon",
        "default": "",
    },
    "workspace_connection": {
        "description": "Airflow connection of a workspace in S3. Default: boto3's own chain of credentials.",
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
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The deployment's settings, with the defaults filled in."""

    store: str = field(repr=False)
    workspace: str
    workspace_connection: str | None
    hash_key: bytes | None = field(repr=False)

    @property
    def reports(self) -> str:
        """Folder of the reports."""
        return f"{self.workspace.rstrip('/')}/reports"


def read_settings(option: Callable[[str], str | None], home: Path) -> Settings:
    """The settings that `option` gives by name, with defaults below `home`, which is AIRFLOW_HOME."""
    return Settings(
        store=option("store") or f"sqlite:///{home / 'mlmon' / 'store.db'}",
        workspace=option("workspace") or str(home / "mlmon" / "workspace"),
        workspace_connection=option("workspace_connection") or None,
        hash_key=(option("hash_key") or "").encode() or None,
    )


def settings_from_environment(environment: Mapping[str, str], **given: str | None) -> Settings:
    """The settings of a shell: what was given, else Airflow's variables, else the defaults."""
    home = Path(environment.get("AIRFLOW_HOME", "~/airflow")).expanduser().absolute()

    def option(name: str) -> str | None:
        return given.get(name) or environment.get(f"AIRFLOW__{SECTION.upper()}__{name.upper()}")

    return read_settings(option, home)
