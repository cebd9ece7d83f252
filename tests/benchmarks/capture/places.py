"""Archives of the benchmarks: a folder, or a bucket of an S3 server whose outages one can make."""

from __future__ import annotations

import io
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pyarrow.parquet as pq
from botocore.config import Config

from airflow_mlmon.capture.marks import METADATA_KEY, SIDECARS, LostRows, Marks, read_lost, read_marks
from tests.support.processes import answers, await_ready, free_port, start, stop
from tests.support.s3 import VERSITY

KEY, SECRET = "mlmon", "mlmon-secret"
BUCKET = "captured"


@dataclass(frozen=True, slots=True)
class Archived:
    """What lies in an archive: the ids of all rows, and what the files say of lost ones."""

    ids: list[str]
    marks: list[Marks]
    lost: list[LostRows]

    @property
    def counted(self) -> int:
        """Rows that are said to be lost."""
        dropped = sum(rows for one in self.marks for rows in one.dropped.values())
        return dropped + sum(one.lost + sum(one.dropped.values()) for one in self.lost)

    @property
    def reasons(self) -> dict[str, int]:
        """Rows that are said to be lost, by reason."""
        reasons: dict[str, int] = {"killed": sum(one.lost for one in self.lost)}
        for one in [*self.marks, *self.lost]:
            for reason, rows in one.dropped.items():
                reasons[reason] = reasons.get(reason, 0) + rows
        return {reason: rows for reason, rows in reasons.items() if rows}


@dataclass(frozen=True, slots=True)
class Folder:
    """An archive in a folder of this machine."""

    root: Path

    @property
    def uri(self) -> str:
        """Where capture writes."""
        return str(self.root)

    def environment(self) -> dict[str, str]:
        """No credentials."""
        return {}

    def objects(self) -> Iterator[tuple[str, bytes]]:
        """Every published file; those that are being written begin with a dot."""
        for path in sorted(self.root.rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                yield str(path.relative_to(self.root)), path.read_bytes()


class Bucket:
    """An archive in a bucket of versitygw, which keeps it on the disk while the server is away."""

    uri = f"s3://{BUCKET}/archive"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        (folder / "data").mkdir(parents=True)

    def start(self) -> None:
        """Let it answer."""
        binary = shutil.which("versitygw") or str(VERSITY)
        log = self._folder / "versitygw.log"
        command = [binary, "--port", f"127.0.0.1:{self._port}", "--access", KEY, "--secret", SECRET]
        self._process = start([*command, "posix", str(self._folder / "data")], log)
        await_ready(self._process, lambda: answers(self._port), log)

    def stop(self) -> None:
        """Let it refuse every connection."""
        stop(self._process)

    def environment(self) -> dict[str, str]:
        """The credentials as every AWS tool takes them."""
        return {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._port}",
        }

    def client(self) -> Any:
        """A client of the server."""
        return boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self._port}",
            region_name="us-east-1",
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            config=Config(signature_version="s3v4"),
        )

    def objects(self) -> Iterator[tuple[str, bytes]]:
        """Every object of the archive."""
        client = self.client()
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="archive/"):
            for found in page.get("Contents", ()):
                yield found["Key"], client.get_object(Bucket=BUCKET, Key=found["Key"])["Body"].read()


@contextmanager
def open_bucket(folder: Path) -> Iterator[Bucket]:
    """Start a server with an empty bucket, and stop it in the end."""
    bucket = Bucket(folder)
    bucket.start()
    try:
        bucket.client().create_bucket(Bucket=BUCKET)
        yield bucket
    finally:
        bucket.stop()


def read_archive(place: Folder | Bucket) -> Archived:
    """Read the ids and the marks of everything that capture published."""
    ids: list[str] = []
    marks, lost = [], []
    for name, content in place.objects():
        *_, above, file = name.split("/")
        if above == SIDECARS and file.startswith("lost-"):
            lost.append(read_lost(content))
        elif above == SIDECARS:
            marks.append(read_marks(content))
        else:
            table = pq.read_table(io.BytesIO(content))
            ids += table["id"].to_pylist()
            marks.append(read_marks(table.schema.metadata[METADATA_KEY]))
    return Archived(ids, marks, lost)


def await_change(path: Path, seconds: float = 30) -> None:
    """Wait until a process has counted its first call."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if path.exists() and any(path.read_bytes()[8:16]):
            return
        time.sleep(0.01)
    raise RuntimeError(f"{os.fspath(path)}: no call was counted")
