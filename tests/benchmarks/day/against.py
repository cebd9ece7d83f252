"""A day of a million rows with as many labels against scripts that people write instead."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from tests.benchmarks.day.data import START, write_archive
from tests.benchmarks.day.large import run_days
from tests.benchmarks.measured import Measured
from tests.benchmarks.profiles.environments import interpreter
from tests.benchmarks.report import BUILD

_ROWS = 1_000_000
_SECOND = START + timedelta(days=1)
# beside its small reference the day would alert, and Evidently's page be written, which no script writes
_NO_PAGE = "evidently: none\n"
_UNTOLD = {"DO_NOT_TRACK": "1", "PYTHONWARNINGS": "ignore"}


def times_evidently_ge() -> Measured:
    """How many times the CPU seconds of a run evidently, Great Expectations and scikit-learn take."""
    return _against("evidently_ge", "evidently", of_ours=False)


def times_polars() -> Measured:
    """How many times the CPU seconds of a script of polars a run takes."""
    return _against("polars_day", "polars", of_ours=True)


def _against(script: str, peer: str, *, of_ours: bool) -> Measured:
    found = _measure()
    ours, theirs = found["ours"], found[script]
    figure = ours["cpu_s"] / theirs["cpu_s"] if of_ours else theirs["cpu_s"] / ours["cpu_s"]
    note = (
        f"{peer} {theirs['cpu_s']:.1f} CPU s, {theirs['wall_s']:.1f} s, {theirs['peak_mib']:.0f} MiB; "
        f"ours {ours['cpu_s']:.1f} CPU s, {ours['peak_mib']:.0f} MiB; within a warm process {found['warm_s']:.1f} CPU s"
    )
    return Measured(figure=figure, note=note, details={"ours": ours, "theirs": theirs})


@cache
def _measure() -> dict[str, Any]:
    """Run the same day by each, in processes of their own, imports and reading included."""
    with tempfile.TemporaryDirectory(prefix="mlmon-bench-") as name:
        folder = Path(name)
        spec = write_archive(folder / "archive", 2, _ROWS) + _NO_PAGE
        for place in ("", "warm"):
            (folder / place).mkdir(exist_ok=True)
            (folder / place / "spec.yaml").write_text(spec)
        warm = run_days(folder / "warm", START, _SECOND)["days"][1]
        run_days(folder, START)
        archive = folder / "archive"
        places = [
            archive / "reference",
            archive / "predictions" / f"dt={_SECOND}",
            archive / "predictions" / f"dt={START}",
            archive / "labels" / f"dt={_SECOND}",
        ]
        found = {"ours": run_days(folder, _SECOND), "warm_s": warm["cpu_s"]}
        for script, peer in (("evidently_ge", "evidently"), ("polars_day", "polars")):
            path = Path(__file__).with_name("peers") / f"{script}.py"
            found[script] = _run([interpreter(BUILD, peer), path, *places])
        return found


def _run(command: list[Path]) -> dict[str, Any]:
    start = time.perf_counter()
    done = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ | _UNTOLD
    )
    said = done.stdout.read() if done.stdout else ""
    _, status, used = os.wait4(done.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(map(str, command))} failed with {os.waitstatus_to_exitcode(status)}")
    return {
        "cpu_s": used.ru_utime + used.ru_stime,
        "wall_s": time.perf_counter() - start,
        "peak_mib": used.ru_maxrss / 1024,
        "found": json.loads(said.splitlines()[-1]),
    }
