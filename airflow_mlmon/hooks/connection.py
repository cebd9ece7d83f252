"""Looks up Airflow connections, and says so when one is absent."""

from __future__ import annotations

from typing import Any

from airflow_mlmon.errors import ConfigError


def connection(conn_id: str) -> Any:
    """The Airflow connection of that id.

    Raises:
        ConfigError: there is no such connection.
    """
    found = find_connection(conn_id)
    if found is None:
        raise ConfigError(
            f"There is no Airflow connection {conn_id!r}.",
            hint=f"add it in the UI, or set AIRFLOW_CONN_{conn_id.upper()}",
        )
    return found


def find_connection(conn_id: str) -> Any | None:
    """The Airflow connection of that id, or None when there is none."""
    from airflow.sdk import BaseHook  # noqa: PLC0415 - a shell without connections needs no Airflow
    from airflow.sdk.exceptions import AirflowNotFoundException  # noqa: PLC0415

    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        return None
