"""S3 as a destination, by pyarrow, in processes that fork as in others.

The client of pyarrow takes credentials as every AWS tool does (variables, profile, role of the container or machine).
A copy of a process that is made while an upload runs inherits the client's locks as they were, held by a thread that
the copy does not have: a client made there hangs. Such a process uploads by short-lived processes of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import Any

import pyarrow as pa
import pyarrow.fs as pa_fs

CONNECT_SECONDS = 2.0
# without a byte; curl looks back over some seconds more, so that a request which hangs ends after about 10
REQUEST_SECONDS = 5.0
APART_SECONDS = 60.0


class _Uploads:
    """Uploads that run in this process, and whether one ran when it was forked off another."""

    running = 0
    is_unsafe = False
    lock = threading.Lock()
    opening = threading.Lock()

    @classmethod
    def fork(cls) -> None:
        cls.is_unsafe = cls.is_unsafe or cls.running > 0
        cls.running = 0
        cls.lock, cls.opening = threading.Lock(), threading.Lock()

    @classmethod
    def add(cls, number: int) -> None:
        with cls.lock:
            cls.running += number


os.register_at_fork(after_in_child=_Uploads.fork)


class S3Bucket:
    """Bucket and prefix; an upload is one request, so that an object is there whole or not at all.

    S3 has no request that pyarrow could make and that refuses to replace an object: names bear the id of the process.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._root = uri.removeprefix("s3://").rstrip("/")
        self._client: tuple[int, pa_fs.S3FileSystem] | None = None

    def publish(self, name: str, content: bytes) -> None:
        """Upload an object; no request of it lasts longer than some seconds."""
        if _Uploads.is_unsafe:
            _upload_apart(self.uri, name, content)
            return
        _Uploads.add(1)
        try:
            with self._filesystem().open_output_stream(f"{self._root}/{name}") as sink:
                sink.write(content)
        except pa.ArrowException as error:
            raise OSError(str(error)) from error
        finally:
            _Uploads.add(-1)

    def _filesystem(self) -> pa_fs.S3FileSystem:
        # of the writer and the uploader one: a second client would take another 12 MiB
        with _Uploads.opening:
            if self._client is None or self._client[0] != os.getpid():
                self._client = (os.getpid(), _open_filesystem(self._root.partition("/")[0]))
            return self._client[1]


def _open_filesystem(bucket: str) -> pa_fs.S3FileSystem:
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    options: dict[str, Any] = {"endpoint_override": endpoint} if endpoint else {}
    if not region and not endpoint:
        region = pa_fs.resolve_s3_region(bucket)
    options |= {
        "region": region or "us-east-1",
        "connect_timeout": CONNECT_SECONDS,
        "request_timeout": REQUEST_SECONDS,
        "retry_strategy": pa_fs.AwsStandardS3RetryStrategy(max_attempts=1),
        "background_writes": False,
    }
    try:
        return pa_fs.S3FileSystem(**options, allow_delayed_open=True)
    except TypeError:
        # an older pyarrow uploads in parts, which appear together
        return pa_fs.S3FileSystem(**options)


def _upload_apart(uri: str, name: str, content: bytes) -> None:
    command = [sys.executable, "-m", "airflow_mlmon.capture.s3", uri, name]
    try:
        ended = subprocess.run(  # noqa: S603 - this module, with names of our own
            command, input=content, capture_output=True, timeout=APART_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f"{uri}: no answer within {APART_SECONDS:.0f} s") from error
    if ended.returncode:
        raise OSError(ended.stderr.decode(errors="replace").strip().rpartition("\n")[2])


if __name__ == "__main__":
    S3Bucket(sys.argv[1]).publish(sys.argv[2], sys.stdin.buffer.read())
