"""Azure accounts and their credentials from Airflow connections of type `wasb` or `adls`."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_mlmon.hooks.connection import connection

# extras that obstore knows by the same name
_EXTRAS = ("account_name", "account_key", "sas_key", "tenant_id", "endpoint", "authority_host")


def azure_options(conn_id: str | None) -> Mapping[str, str]:
    """Return obstore's options of a connection, or none of them without one: the environment then has them.

    Login and password are the account and its key; with a `tenant_id` they are a client and its secret.

    Raises:
        ConfigError: the connection does not exist.
    """
    if conn_id is None:
        return {}
    found = connection(conn_id)
    extra = found.extra_dejson
    options = {name: str(extra[name]) for name in _EXTRAS if extra.get(name)}
    if extra.get("sas_token"):
        options["sas_key"] = str(extra["sas_token"]).removeprefix("?")
    names = ("client_id", "client_secret") if "tenant_id" in options else ("account_name", "account_key")
    given = {name: str(value) for name, value in zip(names, (found.login, found.password), strict=True) if value}
    return given | options
