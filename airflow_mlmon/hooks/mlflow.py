"""Hook to an MLflow server, for the test of its connection in Airflow's UI."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseHook

from airflow_mlmon.errors import MlmonError
from airflow_mlmon.hooks.mlflow_connection import MLFLOW_TYPE
from airflow_mlmon.hooks.mlflow_server import connect_mlflow
from airflow_mlmon.spec.mlflow import DEFAULT_MLFLOW


class MlflowHook(BaseHook):
    """Hook to an MLflow server.

    Args:
        conn_id: its connection.
    """

    conn_name_attr = "conn_id"
    default_conn_name = DEFAULT_MLFLOW
    conn_type = MLFLOW_TYPE
    hook_name = "MLflow (model monitoring)"

    def __init__(self, conn_id: str = DEFAULT_MLFLOW, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.conn_id = conn_id

    def test_connection(self) -> tuple[bool, str]:
        """Test whether the server answers, and say why not."""
        try:
            connect_mlflow(self.conn_id).ping()
        except MlmonError as error:
            return False, str(error)
        return True, "MLflow answers."
