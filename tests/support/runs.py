"""A model on a small archive, with everything that its runs need, in a folder of the test."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from airflow_mlmon.loading import parse_spec
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.storage import Storage
from airflow_mlmon.store.metric_store import MetricStore
from tests.support.archive import Archive
from tests.support.processes import PATIENCE_S


def write_file(uri: str, data: bytes) -> None:
    """Write a file of a local archive."""
    path = Path(uri)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def s3_writer(client: Any) -> Any:
    """Write an object of an archive in S3."""

    def write(uri: str, data: bytes) -> None:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        client.put_object(Bucket=bucket, Key=key, Body=data)

    return write


def local_archive(folder: Path, days: int) -> Archive:
    """An archive of some days in a folder."""
    archive = Archive(str(folder / "archive"), write_file)
    archive.write_all(days)
    return archive


@contextmanager
def opened(folder: Path, archive: Archive, *replacements: tuple[str, str], **given: Any) -> Iterator[Run]:
    """The run of the archive's model, its store and workspace in `folder`."""
    with MetricStore(f"sqlite:///{folder / 'store.db'}") as store:
        yield Run(
            spec=parse_spec(archive.spec_text(*replacements), "loans.yaml"),
            store=store,
            **{"storage": Storage(), "workspace": str(folder / "workspace")} | given,
        )


def run_twice_at_once(spec: Path, folder: Path, *partitions: Partition) -> list[int]:
    """Run days in two processes at the same time, on one store and workspace in `folder`; their exit codes."""
    folder.mkdir()
    places = ["--store", f"sqlite:///{folder / 'store.db'}", "--workspace", str(folder / "workspace")]
    days = ["--from", partitions[0].key, "--to", partitions[-1].key]
    command = [sys.executable, "-m", "airflow_mlmon.cli.main", "backfill", str(spec), *days, *places]
    running = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(2)]
    return [process.wait(PATIENCE_S) for process in running]


def stored_rows(folder: Path, *tables: str) -> dict[str, list[tuple[object, ...]]]:
    """Every row of some tables of the store in a folder, by default of all but that of times."""
    with closing(sqlite3.connect(folder / "store.db")) as database:
        held = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        names = tables or [name for name in held if name != "mlmon_steps"]
        return {name: sorted(database.execute(f"SELECT * FROM {name}").fetchall(), key=repr) for name in names}  # noqa: S608
