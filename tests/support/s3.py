"""Real S3 servers: moto's, which pip installs, and versitygw, which checks keys and checksums."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.config import Config

from tests.support.processes import answers, await_ready, free_port, require, start, stop

ROOT = Path(__file__).parents[2]
VERSITY = ROOT / ".cache" / "bin" / "versitygw"


class MotoServer:
    """moto's server; it accepts any key."""

    access_key = "test"
    secret_key = "test"  # noqa: S105 - moto takes any

    def __enter__(self) -> Self:
        self.port = free_port()
        self._folder = tempfile.TemporaryDirectory(prefix="mlmon-moto-")
        log = Path(self._folder.name, "moto.log")
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        self._process = start(command, log)
        await_ready(self._process, lambda: answers(self.port), log)
        return self

    def __exit__(self, *_: object) -> None:
        stop(self._process)
        self._folder.cleanup()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connection(self, **changes: str) -> str:
        """The Airflow connection as JSON, for an environment variable."""
        keys = {"login": self.access_key, "password": self.secret_key} | changes
        extra = {"endpoint_url": self.endpoint, "region_name": "us-east-1"}
        return json.dumps({"conn_type": "aws", **keys, "extra": extra})

    def client(self, endpoint: str | None = None, **config: Any) -> Any:
        """A boto3 client of the server, or of a proxy of it."""
        return boto3.client(
            "s3",
            endpoint_url=endpoint or self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(signature_version="s3v4", **config),
        )

    def bucket(self, name: str) -> str:
        """A new bucket; its name."""
        self.client().create_bucket(Bucket=name)
        return name


class VersityServer(MotoServer):
    """versitygw on a folder: an S3 that refuses wrong keys and corrupted uploads."""

    access_key = "mlmon"
    secret_key = "mlmon-secret"  # noqa: S105 - of a server that lives for the test

    def __init__(self, folder: Path) -> None:
        self._root = folder

    def __enter__(self) -> Self:
        binary = shutil.which("versitygw") or (str(VERSITY) if VERSITY.exists() else None)
        require(available=binary is not None, what="versitygw (make versitygw builds it with Go)")
        self.port = free_port()
        data, log = self._root / "data", self._root / "versitygw.log"
        data.mkdir()
        command = [str(binary), "--port", f"127.0.0.1:{self.port}", "--access", self.access_key]
        self._process = start([*command, "--secret", self.secret_key, "posix", str(data)], log)
        await_ready(self._process, lambda: answers(self.port), log)
        return self

    def __exit__(self, *_: object) -> None:
        stop(self._process)
