"""S3 object store on a boto3 client; the only module that handles botocore's errors."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError
from botocore.session import get_session

from airflow_mlmon.errors import (
    ConfigError,
    MlmonError,
    NotFoundError,
    PartitionConflictError,
    ServiceRejectedError,
    ServiceUnavailableError,
)
from airflow_mlmon.storage.objects import StoredObject
from airflow_mlmon.storage.scratch import scratch_file

_ABSENT = {"NoSuchKey", "404"}
_SERVER_ERROR = 500
_BUSY = {408, 425, 429}
_CHUNK = 1 << 20
_BODIES = 5


class S3Store:
    """Object store of any S3 endpoint; a URI is `s3://bucket/key`."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def list(self, folder: str) -> list[StoredObject]:
        """List the objects whose key begins with the folder's."""
        bucket, prefix = _split(folder)
        found: dict[str, StoredObject] = {}
        with _mapped(folder):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                for item in page.get("Contents", ()):
                    uri = f"s3://{bucket}/{item['Key']}"
                    # an object that is written meanwhile may be on two pages
                    found[uri] = StoredObject(uri, item["Size"], item["ETag"], item.get("LastModified"))
        return sorted(found.values())

    def read(self, uri: str) -> bytes:
        """Read the bytes of an object."""
        content = io.BytesIO()
        self._download(uri, content)
        return content.getvalue()

    def read_range(self, uri: str, start: int, size: int) -> bytes:
        """Read a part of an object."""
        content = io.BytesIO()
        self._download(uri, content, start=start, size=size)
        return content.getvalue()

    def write(self, uri: str, data: bytes) -> None:
        """Upload in one request; S3 shows the object once it is complete."""
        bucket, key = _split(uri)
        with _mapped(uri):
            self._client.upload_fileobj(io.BytesIO(data), bucket, key)

    def upload(self, uri: str, path: Path) -> None:
        """Upload in parts, a few of them in memory; S3 shows the object once it is complete."""
        bucket, key = _split(uri)
        with _mapped(uri), path.open("rb") as file:
            self._client.upload_fileobj(file, bucket, key)

    def copy(self, source: str, target: str) -> None:
        """Copy within S3, a large object in parts."""
        bucket, key = _split(target)
        origin = dict(zip(("Bucket", "Key"), _split(source), strict=True))
        with _mapped(source):
            self._client.copy(origin, bucket, key)

    def delete(self, uri: str) -> None:
        """Delete in one request; S3 does not distinguish an absent object from a deleted one."""
        bucket, key = _split(uri)
        with _mapped(uri):
            self._client.delete_object(Bucket=bucket, Key=key)

    @contextmanager
    def local_copy(self, uri: str, *, etag: str | None = None) -> Iterator[Path]:
        """Yield a temporary file with the object's bytes."""
        with scratch_file(Path(uri).suffix) as file:
            self._download(uri, file, etag)
            file.flush()
            yield Path(file.name)

    def url(self, uri: str, *, seconds: int) -> str:
        """Return a presigned GET URL."""
        bucket, key = _split(uri)
        with _mapped(uri):
            return str(
                self._client.generate_presigned_url(
                    "get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=seconds
                )
            )

    def _download(
        self, uri: str, file: IO[bytes], etag: str | None = None, *, start: int = 0, size: int | None = None
    ) -> None:
        """Write the object, or so many bytes of it from a start on, to the file.

        A body that breaks off is continued, as long as the object is the same.
        """
        bucket, key = _split(uri)
        with _mapped(uri):
            for attempt in range(1, _BODIES + 1):
                wanted = {"IfMatch": etag} if etag else {}
                if file.tell() or size is not None:
                    end = "" if size is None else start + size - 1
                    wanted["Range"] = f"bytes={start + file.tell()}-{end}"
                answer = self._client.get_object(Bucket=bucket, Key=key, **wanted)
                etag = answer["ETag"]
                try:
                    for chunk in answer["Body"].iter_chunks(_CHUNK):
                        file.write(chunk)
                except BotoCoreError:
                    if attempt == _BODIES:
                        raise
                else:
                    return


def create_default_client() -> Any:
    """Create a client with the credentials, region and endpoint of botocore's default chain."""
    config = Config(connect_timeout=10, read_timeout=60, retries={"mode": "standard", "max_attempts": 4})
    return get_session().create_client("s3", config=config)


def _split(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not bucket:
        raise ConfigError(f"{uri!r} is not an S3 URI.", hint="write s3://bucket/key")
    return bucket, key


@contextmanager
def _mapped(uri: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        raise _from_answer(uri, error) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise ServiceRejectedError(
            f"No AWS credentials found for {uri}.", hint="name an Airflow connection in the spec", uri=uri
        ) from error
    except BotoCoreError as error:
        raise ServiceUnavailableError(
            f"S3 did not answer the request for {uri}: {error}",
            hint="check the connection's endpoint_url and credentials",
            uri=uri,
        ) from error


def _from_answer(uri: str, error: ClientError) -> MlmonError:
    code = error.response["Error"].get("Code", "")
    status = error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
    if code == "PreconditionFailed":
        return PartitionConflictError(f"{uri} has changed since it was listed.", hint="rerun the partition")
    if code in _ABSENT:
        return NotFoundError(f"Object {uri} does not exist.")
    if code == "NoSuchBucket":
        bucket = _split(uri)[0]
        return ServiceRejectedError(f"S3 bucket {bucket!r} does not exist ({uri}).", hint="check the path in the spec")
    if status >= _SERVER_ERROR or status in _BUSY or code in {"SlowDown", "RequestTimeout"}:
        return ServiceUnavailableError(f"S3 answered {status} {code} for {uri}.", uri=uri)
    if code == "RequestTimeTooSkewed":
        said = f"S3 refused the request for {uri}: {code} ({status}), the clock of this machine is wrong."
        return ServiceRejectedError(said, hint="synchronise it by NTP", uri=uri)
    return ServiceRejectedError(
        f"S3 refused the request for {uri}: {code} ({status}).",
        hint="check the connection's access key and its permissions",
        uri=uri,
    )
