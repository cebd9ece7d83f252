"""A large day of Parquet files, from an S3 server to the curated partition and its profile."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks.intake.data import DAY, write_day, write_reference
from tests.benchmarks.measured import Measured
from tests.support.s3 import VERSITY, MotoServer, VersityServer

_ROWS = 10_000_000
_TURNS = 3


def ratio() -> Measured:
    """Time the preparation of a day over that of decoding and encoding its files, in turns."""
    turns = []
    with _day(_ROWS) as (folder, bucket, environment):
        for _ in range(_TURNS):
            files = sorted(map(str, (folder / "preds").rglob("*.parquet")))
            recoded = _child("recode", str(folder / "recoded.parquet"), *files)
            turns.append({"ours": _prepare(folder, bucket, environment), "recoded": recoded})
    ratios = [turn["ours"]["seconds"] / turn["recoded"]["seconds"] for turn in turns]
    cpu = [turn["ours"]["cpu_s"] / turn["recoded"]["cpu_s"] for turn in turns]
    return Measured(
        figure=statistics.median(ratios),
        note=f"{min(ratios):.2f} to {max(ratios):.2f}; CPU seconds {statistics.median(cpu):.2f}",
        details={"turns": turns},
    )


def peak_10m() -> Measured:
    """Measure the peak memory of the preparation of 10,000,000 rows."""
    return _peak(_ROWS)


def peak_30m() -> Measured:
    """Measure the peak memory of the preparation of 30,000,000 rows."""
    return _peak(3 * _ROWS)


def _peak(rows: int) -> Measured:
    with _day(rows) as (folder, bucket, environment):
        found = _prepare(folder, bucket, environment)
    return Measured(figure=found["peak_mib"], note=f"{found['rows']:,} rows in {found['seconds']:.1f} s", details=found)


@contextmanager
def _day(rows: int) -> Iterator[tuple[Path, str, dict[str, str]]]:
    """A day and its reference in a bucket, and as files in a folder."""
    with tempfile.TemporaryDirectory(prefix="mlmon-bench-") as name:
        folder = Path(name)
        write_day(folder / "preds" / f"dt={DAY}", rows)
        write_reference(folder / "reference")
        (folder / "server").mkdir()
        server = VersityServer(folder / "server") if VERSITY.exists() else MotoServer()
        with server:
            client, bucket = server.client(), server.bucket("archive")
            for file in sorted(folder.rglob("*.parquet")):
                client.upload_file(str(file), bucket, str(file.relative_to(folder)))
            keys = {"AWS_ACCESS_KEY_ID": server.access_key, "AWS_SECRET_ACCESS_KEY": server.secret_key}
            yield folder, f"s3://{bucket}", os.environ | keys | {"MLMON_BENCH_S3": server.endpoint}


def _prepare(folder: Path, bucket: str, environment: dict[str, str]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=folder, prefix="work-") as work:
        _child("prepare", "pin", bucket, work, environment=environment)
        return _child("prepare", "day", bucket, work, environment=environment)


def _child(module: str, *arguments: str, environment: dict[str, str] | None = None) -> Any:
    command = [sys.executable, "-m", f"tests.benchmarks.intake.{module}", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return json.loads(done.stdout) if done.stdout else None
