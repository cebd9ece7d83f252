"""S3 object store on a boto3 client; the only module that handles botocore's errors."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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

_ABSENT = {"NoSuchKey", "404"}
_SERVER_ERROR = 500


class S3Store:
    """Object store of any S3 endpoint; a URI is `s3://bucket/key`."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def list(self, folder: str) -> list[StoredObject]:
        """List the objects whose key begins with the folder's."""
        bucket, prefix = _split(folder)
        found: list[StoredObject] = []
        with _mapped(folder):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                found.extend(
                    StoredObject(f"s3://{bucket}/{item['Key']}", item["Size"], item["ETag"], item.get("LastModified"))
                    for item in page.get("Contents", ())
                )
        return sorted(found)

    def read(self, uri: str) -> bytes:
        """Read the bytes of an object."""
        bucket, key = _split(uri)
        with _mapped(uri):
            return bytes(self._client.get_object(Bucket=bucket, Key=key)["Body"].read())

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

    def delete(self, uri: str) -> None:
        """Delete in one request; S3 does not distinguish an absent object from a deleted one."""
        bucket, key = _split(uri)
        with _mapped(uri):
            self._client.delete_object(Bucket=bucket, Key=key)

    @contextmanager
    def local_copy(self, uri: str, *, etag: str | None = None) -> Iterator[Path]:
        """Yield a temporary file with the object's bytes."""
        bucket, key = _split(uri)
        condition = {"IfMatch": etag} if etag else {}
        with tempfile.NamedTemporaryFile(prefix="mlmon-", suffix=Path(key).suffix) as file:
            with _mapped(uri):
                body = self._client.get_object(Bucket=bucket, Key=key, **condition)["Body"]
                for chunk in body.iter_chunks(1 << 20):
                    file.write(chunk)
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
    if status >= _SERVER_ERROR or code in {"SlowDown", "RequestTimeout"}:
        return ServiceUnavailableError(f"S3 answered {status} {code} for {uri}.", uri=uri)
    return ServiceRejectedError(
        f"S3 refused the request for {uri}: {code} ({status}).",
        hint="check the connection's access key and its permissions",
        uri=uri,
    )
