"""Registration of the model pages in Airflow's UI."""

# every process of Airflow imports this module: no heavy imports at its top
from __future__ import annotations

import logging
from functools import cached_property
from typing import Any

from airflow.plugins_manager import AirflowPlugin

_log = logging.getLogger(__name__)


class MlmonPlugin(AirflowPlugin):
    """Plugin with the pages of all models in the menu, that of a model on its DAG, and that of a day on its run."""

    name = "airflow_mlmon"
    # no leading slash: an Airflow behind a sub-path would ignore that path
    external_views = [  # noqa: RUF012 - a list by Airflow's interface
        {
            "name": "Model monitoring",
            "href": "mlmon/",
            "destination": "nav",
            "category": "browse",
            "url_route": "mlmon",
        },
        {
            "name": "Monitoring inbox",
            "href": "mlmon/inbox.html",
            "destination": "nav",
            "category": "browse",
            "url_route": "mlmon_inbox",
        },
        {
            "name": "Monitoring",
            "href": "mlmon/model?dag_id={DAG_ID}",
            "destination": "dag",
            "url_route": "mlmon_model",
        },
        {
            "name": "Monitoring report",
            "href": "mlmon/run?dag_id={DAG_ID}&run_id={RUN_ID}",
            "destination": "dag_run",
            "url_route": "mlmon_run",
        },
    ]

    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]  # built on access
        """Return the application; empty if this Airflow cannot check access rights."""
        try:
            from airflow_mlmon.plugins.web import create_app  # noqa: PLC0415 - only the API server needs it
        except ImportError:
            _log.exception("This version of Airflow is not supported by airflow_mlmon: its pages are not served.")
            return []
        return [{"app": create_app(), "url_prefix": "/mlmon", "name": "airflow_mlmon"}]
