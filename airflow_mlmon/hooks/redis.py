"""Makes the cache of an Airflow connection of type `redis`."""

from __future__ import annotations

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.hooks.connection import connection
from airflow_mlmon.storage import Cache

_PORT = 6379
# the extras of Airflow's own Redis provider
_TLS = ("ssl", "ssl_cert_reqs", "ssl_ca_certs", "ssl_keyfile", "ssl_certfile", "ssl_check_hostname")


def redis_cache(conn_id: str) -> Cache:
    """The cache that a connection describes; nothing is sent to it yet.

    Raises:
        ConfigError: there is no such connection, it is wrong, or the package `redis` is not installed.
    """
    found = connection(conn_id)
    extra = found.extra_dejson
    database = extra.get("db") or 0
    if not str(database).isdigit():
        raise ConfigError(f"The database {database!r} of the connection {conn_id!r} is not a number.")

    from airflow_mlmon.storage.redis import RedisCache  # noqa: PLC0415 - an optional package

    return RedisCache(
        host=found.host or "localhost",
        port=found.port or _PORT,
        database=int(database),
        user=found.login or None,
        password=found.password or None,
        tls={name: extra[name] for name in _TLS if name in extra},
    )
