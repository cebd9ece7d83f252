"""Provider metadata for Airflow: the entry point `apache_airflow_provider`."""

from __future__ import annotations

from typing import Any

from airflow_mlmon.hooks.druid_connection import DRUID_CONNECTION
from airflow_mlmon.hooks.mlflow_connection import MLFLOW_CONNECTION
from airflow_mlmon.hooks.receiver_connections import RECEIVER_CONNECTIONS
from airflow_mlmon.settings import OPTIONS, SECTION

_NAME = "Model monitoring"
_OPERATORS = [f"airflow_mlmon.operators.{name}" for name in ("steps", "day", "shards", "druid", "fleet", "broken")]


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata, following Airflow's schema `provider_info`."""
    return {
        "package-name": "airflow-mlmon",
        "name": _NAME,
        "description": "Monitors machine-learning models: archived predictions in, reports and alerts out.",
        "integrations": [
            {
                "integration-name": _NAME,
                "external-doc-url": "https://github.com/airflow-mlmon/airflow-mlmon#readme",
                "tags": ["software"],
            }
        ],
        "operators": [{"integration-name": _NAME, "python-modules": _OPERATORS}],
        "sensors": [{"integration-name": _NAME, "python-modules": ["airflow_mlmon.sensors.partition"]}],
        "hooks": [
            {
                "integration-name": _NAME,
                "python-modules": [f"airflow_mlmon.hooks.{name}" for name in ("druid", "mlflow", "receivers")],
            }
        ],
        "triggers": [
            {
                "integration-name": _NAME,
                "python-modules": ["airflow_mlmon.triggers.druid", "airflow_mlmon.triggers.partition"],
            }
        ],
        # no handler: an address of an asset is taken as it is
        "asset-uris": [{"schemes": ["mlmon"], "handler": None}],
        "extra-links": ["airflow_mlmon.operators.druid.DruidConsoleLink"],
        "cli": ["airflow_mlmon.airflow_commands.get_airflow_commands"],
        "connection-types": [DRUID_CONNECTION, MLFLOW_CONNECTION, *RECEIVER_CONNECTIONS],
        "config": {
            SECTION: {
                "description": "Storage of the results of airflow_mlmon and the services around them.",
                "options": OPTIONS,
            }
        },
    }
