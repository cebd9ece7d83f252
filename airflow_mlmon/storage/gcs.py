"""Google Cloud Storage as an object store; the only module that imports the optional package google-cloud-storage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow_mlmon.errors import (
    ConfigError,
    NotFoundError,
    PartitionConflictError,
    ServiceRejectedError,
    ServiceUnavailableError,
)
from airflow_mlmon.storage.objects import StoredObject
from airflow_mlmon.storage.scratch import scratch_file

try:
    from google.api_core.exceptions import ClientError, GoogleAPIError, NotFound
    from google.auth.exceptions import GoogleAuthError
    from google.cloud.storage import Client
    from google.cloud.storage.exceptions import DataCorruption
    from google.cloud.storage.retry import DEFAULT_RETRY
except ModuleNotFoundError as error:
    raise ConfigError(
        "A path is in gs://, but the package `google-cloud-storage` is not installed.",
        hint="pip install airflow-mlmon[gcs]",
    ) from error

_PART = 8 << 20
_RETRY = DEFAULT_RETRY.with_timeout(60)
_BUSY = (408, 425, 429)


class GcsStore:
    """Object store of Google Cloud; a URI is `gs://bucket/name`.

    An object's ETag is its generation. A read names the generation, so that it has these bytes or none. `options` are a
    `project` and a `keyfile`, the content of a service account's; what is absent is found as by Google's own tools.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        given = dict(options)
        keyfile = given.pop("keyfile", None)
        with _mapped("gs://"):
            self._client = Client.from_service_account_info(keyfile, **given) if keyfile else Client(**given)
        # a thread of its own would else ask for each bucket's metadata, which reading objects does not allow
        self._client._bucket_metadata_cache = None  # noqa: SLF001

    def list(self, folder: str) -> list[StoredObject]:
        """List the objects whose name begins with the folder's."""
        bucket, prefix = _split(folder)
        wanted = "items(name,size,generation,updated),nextPageToken"
        with _mapped(folder, absent=f"bucket {bucket!r}"):
            found = [
                StoredObject(f"gs://{bucket}/{blob.name}", blob.size, str(blob.generation), blob.updated)
                for blob in self._client.list_blobs(bucket, prefix=prefix or None, fields=wanted, retry=_RETRY)
                if not blob.name.endswith("/")
            ]
        return sorted(found)

    def read(self, uri: str) -> bytes:
        """Read the bytes of an object."""
        with _mapped(uri):
            return bytes(self._blob(uri).download_as_bytes(retry=_RETRY))

    def read_range(self, uri: str, start: int, size: int) -> bytes:
        """Read a part of an object."""
        with _mapped(uri):
            # the stored checksum is that of the whole object
            part = {"start": start, "end": start + size - 1, "checksum": None}
            return bytes(self._blob(uri).download_as_bytes(**part, retry=_RETRY))

    def write(self, uri: str, data: bytes) -> None:
        """Upload; the object is shown once it is complete."""
        with _mapped(uri, absent=f"bucket {_split(uri)[0]!r}"):
            self._blob(uri).upload_from_string(data, retry=_RETRY)

    def upload(self, uri: str, path: Path) -> None:
        """Upload in parts, one of them in memory; the object is shown once it is complete."""
        with _mapped(uri, absent=f"bucket {_split(uri)[0]!r}"):
            self._blob(uri, chunk_size=_PART).upload_from_filename(str(path), retry=_RETRY)

    def copy(self, source: str, target: str) -> None:
        """Copy within Google Cloud, a large object in several requests."""
        with _mapped(source):
            origin, token = self._blob(source), ""
            while token is not None:
                token, _, _ = self._blob(target).rewrite(origin, token=token or None, retry=_RETRY)

    def delete(self, uri: str) -> None:
        """Delete the object, if it exists."""
        try:
            with _mapped(uri):
                self._blob(uri).delete(retry=_RETRY)
        except NotFoundError:
            return

    @contextmanager
    def local_copy(self, uri: str, *, etag: str | None = None) -> Iterator[Path]:
        """Yield a temporary file with the object's bytes."""
        with scratch_file(Path(uri).suffix) as file:
            try:
                with _mapped(uri):
                    self._blob(uri, generation=int(etag) if etag else None).download_to_file(file, retry=_RETRY)
            except NotFoundError:
                if etag is None:
                    raise
                raise PartitionConflictError(
                    f"{uri} has changed since it was listed.", hint="rerun the partition"
                ) from None
            file.flush()
            yield Path(file.name)

    def url(self, uri: str, *, seconds: int) -> str:
        """Return a signed URL; credentials without a private key cannot sign one."""
        with _mapped(uri):
            try:
                return str(self._blob(uri).generate_signed_url(timedelta(seconds=seconds), version="v4"))
            except AttributeError as error:
                raise ConfigError(
                    f"The credentials for {uri} cannot sign a URL.", hint="use the key file of a service account"
                ) from error

    def _blob(self, uri: str, **given: Any) -> Any:
        bucket, name = _split(uri)
        return self._client.bucket(bucket).blob(name, **given)


def _split(uri: str) -> tuple[str, str]:
    bucket, _, name = uri.removeprefix("gs://").partition("/")
    if not uri.startswith("gs://") or not bucket:
        raise ConfigError(f"{uri!r} is not a URI of Google Cloud Storage.", hint="write gs://bucket/name")
    return bucket, name


@contextmanager
def _mapped(uri: str, absent: str = "") -> Iterator[None]:
    """Turn Google's errors into ours; of a request that needs no object, one that is not found has no bucket."""
    try:
        yield
    except NotFound as error:
        if absent or "bucket does not exist" in str(error):
            message = f"Google Cloud Storage has no {absent or 'such bucket'} ({uri})."
            raise ServiceRejectedError(message, hint="check the path in the spec") from error
        raise NotFoundError(f"Object {uri} does not exist.") from error
    except GoogleAuthError as error:
        raise ServiceRejectedError(
            f"No Google credentials that work for {uri}: {type(error).__name__}.",
            hint="name an Airflow connection in the spec",
            uri=uri,
        ) from error
    except ClientError as error:
        if error.code in _BUSY:
            raise _unavailable(uri, str(error.code)) from error
        raise ServiceRejectedError(
            f"Google Cloud Storage refused the request for {uri}: {type(error).__name__} ({error.code}).",
            hint="check the connection's key file and its permissions",
            uri=uri,
        ) from error
    except (GoogleAPIError, DataCorruption) as error:
        raise _unavailable(uri, type(error).__name__) from error
    except OSError as error:
        # a broken connection; errors of the disk have a number
        if error.errno is not None:
            raise
        raise _unavailable(uri, type(error).__name__) from error


def _unavailable(uri: str, reason: str) -> ServiceUnavailableError:
    return ServiceUnavailableError(f"Google Cloud Storage did not answer the request for {uri}: {reason}.", uri=uri)
