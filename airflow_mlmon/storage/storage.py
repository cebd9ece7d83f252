"""Selection of the object store that a URI belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.storage.local import LocalStore
from airflow_mlmon.storage.objects import Cache, ObjectStore
from airflow_mlmon.storage.observed import ObservedStore


class Storage:
    """Object stores of one run: local folders, and S3, Azure and Google Cloud by connection.

    `s3_client` creates the boto3 client of a connection id (None: the default credentials), and `cache`
    its cache. They are injected, so that nothing here knows where credentials are kept.
    """

    def __init__(
        self,
        s3_client: Callable[[str | None], Any] | None = None,
        cache: Callable[[str], Cache] | None = None,
        azure_options: Callable[[str | None], Mapping[str, str]] | None = None,
        gcs_options: Callable[[str | None], Mapping[str, Any]] | None = None,
    ) -> None:
        self._s3_client = s3_client
        self._azure_options = azure_options
        self._gcs_options = gcs_options
        self._cache = cache
        self._caches: dict[str, Cache] = {}
        self._opened: dict[tuple[str, str | None], ObjectStore] = {}
        self._local = LocalStore()

    def at(self, uri: str, connection: str | None = None) -> ObjectStore:
        """Return the object store of `uri`."""
        scheme = uri.partition("://")[0] if "://" in uri else "file"
        if scheme == "file":
            return self._local
        kind = "abfs" if scheme == "abfss" else scheme
        if (kind, connection) not in self._opened:
            self._opened[kind, connection] = ObservedStore(self._open(kind, uri, connection), kind)
        return self._opened[kind, connection]

    def _open(self, scheme: str, uri: str, connection: str | None) -> ObjectStore:
        if scheme == "s3" and self._s3_client is not None:
            from airflow_mlmon.storage.s3 import S3Store  # noqa: PLC0415 - boto is for those who use S3

            return S3Store(self._s3_client(connection))
        if scheme == "abfs" and self._azure_options is not None:
            from airflow_mlmon.storage.azure import AzureStore  # noqa: PLC0415 - an optional package

            return AzureStore(self._azure_options(connection))
        if scheme == "gs" and self._gcs_options is not None:
            from airflow_mlmon.storage.gcs import GcsStore  # noqa: PLC0415 - an optional package

            return GcsStore(self._gcs_options(connection))
        raise ConfigError(
            f"No object store is configured for {uri!r}.", hint="use s3://, abfs://, gs:// or a local path"
        )

    def cache(self, connection: str) -> Cache:
        """Return the cache of a connection.

        Raises:
            ConfigError: there is no such connection.
        """
        if connection not in self._caches:
            if self._cache is None:
                raise ConfigError(
                    f"Cache connection {connection!r} is not available.",
                    hint="run where Airflow's connections are available",
                )
            self._caches[connection] = self._cache(connection)
        return self._caches[connection]
