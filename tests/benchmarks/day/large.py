"""Large days: what a run costs over decoding and encoding its rows, its memory, and the share of its checks."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.benchmarks.day.data import START, write_archive
from tests.benchmarks.measured import Measured

_MILLION = 1_000_000
_SECOND = START + timedelta(days=1)


def ratio_10m() -> Measured:
    """Take the CPU seconds of a run over those of pyarrow's decoding and encoding of its predictions."""
    with _two_days(10 * _MILLION) as folder:
        run_days(folder, START)
        found = run_days(folder, _SECOND)
        files = sorted(map(str, (folder / "archive" / "predictions" / f"dt={_SECOND}").glob("*.parquet")))
        recoded = child("tests.benchmarks.intake.recode", str(folder / "recoded.parquet"), *files)
    steps = ", ".join(f"{name.partition('_')[0]} {seconds:.1f}" for name, seconds in found["days"][0]["steps"].items())
    return Measured(
        figure=found["cpu_s"] / recoded["cpu_s"],
        note=f"{found['cpu_s']:.1f} over {recoded['cpu_s']:.1f} CPU s ({steps})",
        details={"run": found, "recoded": recoded},
    )


def peak_1m() -> Measured:
    """Measure the peak memory of a run of 1,000,000 rows."""
    return _peak(_MILLION)


def peak_10m() -> Measured:
    """Measure the peak memory of a run of 10,000,000 rows."""
    return _peak(10 * _MILLION)


def peak_30m() -> Measured:
    """Measure the peak memory of a run of 30,000,000 rows."""
    return _peak(30 * _MILLION)


def checks_share() -> Measured:
    """Measure the share of the checks in a run of 3,000,000 rows, in CPU seconds without imports."""
    with _two_days(3 * _MILLION) as folder:
        found = run_days(folder, START, _SECOND)["days"][1]
    checks = found["steps"]["validate_partition"]
    return Measured(
        figure=checks / found["cpu_s"], note=f"{checks:.2f} of {found['cpu_s']:.1f} CPU s", details={"run": found}
    )


def _peak(count: int) -> Measured:
    with _two_days(count) as folder:
        run_days(folder, START)
        found = run_days(folder, _SECOND)
    return Measured(
        figure=found["peak_mib"], note=f"{count:,} rows in {found['days'][0]['wall_s']:.1f} s", details=found
    )


@contextmanager
def _two_days(count: int) -> Iterator[Path]:
    """A folder with the archive of two days, of which the labels of the first come on the second."""
    with tempfile.TemporaryDirectory(prefix="mlmon-bench-") as name:
        folder = Path(name)
        (folder / "spec.yaml").write_text(write_archive(folder / "archive", 2, count))
        yield folder


def run_days(folder: Path, *days: object) -> Any:
    """Run days in a process of its own."""
    return child("tests.benchmarks.day.work", str(folder), *map(str, days))


def child(module: str, *arguments: str) -> Any:
    """Return what a process of its own prints as JSON."""
    done = subprocess.run([sys.executable, "-m", module, *arguments], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])
