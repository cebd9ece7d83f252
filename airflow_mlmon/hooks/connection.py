"""Look-up of Airflow connections, with an error for an absent one."""

from __future__ import annotations

from typing import Any

from airflow_mlmon.errors import ConfigError


def connection(conn_id: str) -> Any:
    """Return the Airflow connection of an id.

    Raises:
        ConfigError: the connection does not exist.
    """
    found = find_connection(conn_id)
    if found is None:
        raise ConfigError(
            f"Airflow connection {conn_id!r} does not exist.",
            hint=f"add it in the UI, or set AIRFLOW_CONN_{conn_id.upper()}",
        )
    return found


def find_connection(conn_id: str) -> Any | None:
    """Find the Airflow connection of an id; None if it does not exist."""
    from airflow.sdk import BaseHook  # noqa: PLC0415 - a shell without connections needs no Airflow
    from airflow.sdk.exceptions import AirflowNotFoundException  # noqa: PLC0415

    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        return None
