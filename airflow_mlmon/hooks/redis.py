"""Redis caches from Airflow connections of type `redis`."""

from __future__ import annotations

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.hooks.connection import connection
from airflow_mlmon.storage import Cache

_PORT = 6379
# extras of Airflow's own Redis provider
_TLS = ("ssl", "ssl_cert_reqs", "ssl_ca_certs", "ssl_keyfile", "ssl_certfile", "ssl_check_hostname")


def create_redis_cache(conn_id: str) -> Cache:
    """Create the cache of a connection, without contacting it.

    Raises:
        ConfigError: the connection does not exist or is invalid, or the package `redis` is not installed.
    """
    found = connection(conn_id)
    extra = found.extra_dejson
    database = extra.get("db") or 0
    if not str(database).isdigit():
        raise ConfigError(f"Database {database!r} of connection {conn_id!r} is not a number.")

    from airflow_mlmon.storage.redis import RedisCache  # noqa: PLC0415 - an optional package

    return RedisCache(
        host=found.host or "localhost",
        port=found.port or _PORT,
        database=int(database),
        user=found.login or None,
        password=found.password or None,
        tls={name: extra[name] for name in _TLS if name in extra},
    )
