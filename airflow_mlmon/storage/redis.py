"""Redis as a cache; the only module that imports the optional package redis."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from airflow_mlmon.errors import ConfigError

try:
    from redis import Redis
    from redis.backoff import ExponentialBackoff
    from redis.exceptions import RedisError
    from redis.retry import Retry
except ModuleNotFoundError as error:
    raise ConfigError(
        "The spec names a Redis, but the package `redis` is not installed.", hint="pip install airflow-mlmon[redis]"
    ) from error

log = logging.getLogger(__name__)

_RETRIES = 1


class RedisCache:
    """Cache in a Redis server; no Redis module is needed.

    It never delays a run for long: a request is tried twice within `timeout_s` each, and after a failed
    request this object sends no more. The failure is logged once.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        database: int = 0,
        user: str | None = None,
        password: str | None = None,
        tls: Mapping[str, Any] | None = None,
        timeout_s: float = 5.0,
    ) -> None:
        self._place = f"{host}:{port}"
        self._is_away = False
        self._redis = Redis(
            host=host,
            port=port,
            db=database,
            username=user,
            password=password,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(ExponentialBackoff(cap=1, base=0.1), _RETRIES),
            **(tls or {}),
        )

    def read(self, key: str) -> bytes | None:
        """Read the bytes stored under the key; None if absent, or if Redis does not answer."""
        if self._is_away:
            return None
        try:
            found = self._redis.get(key)
        except RedisError as error:
            self._give_up(error)
            return None
        return found if isinstance(found, bytes) else None

    def write(self, key: str, data: bytes, *, seconds: int) -> None:
        """Store the bytes for `seconds`, if Redis answers."""
        if self._is_away:
            return
        try:
            self._redis.set(key, data, ex=seconds)
        except RedisError as error:
            self._give_up(error)

    def _give_up(self, error: RedisError) -> None:
        self._is_away = True
        log.warning(
            "Redis at %s failed (%s: %s): this run continues without the cache",
            self._place,
            type(error).__name__,
            error,
        )
