"""Form of the connection type `mlmon_mlflow`, as in Airflow's provider metadata."""

from __future__ import annotations

from typing import Any

MLFLOW_TYPE = "mlmon_mlflow"

MLFLOW_CONNECTION: dict[str, Any] = {
    "connection-type": MLFLOW_TYPE,
    "hook-class-name": "airflow_mlmon.hooks.mlflow.MlflowHook",
    "hook-name": "MLflow (model monitoring)",
    "ui-field-behaviour": {
        "hidden-fields": ["schema", "port", "extra"],
        "relabeling": {"host": "URL", "login": "User", "password": "Password or token"},
        "placeholders": {
            "host": "https://mlflow.example.com",
            "login": "none, if the password is a token",
        },
    },
    "conn-fields": {
        "ca_file": {
            "label": "CA certificates",
            "description": "Path of the PEM file that the server's certificate is verified against.",
            "schema": {"type": ["string", "null"]},
        },
    },
}
