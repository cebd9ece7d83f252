"""Measures the loading of days into Druid and the profile made there, beside the goals that they are to reach.

    make bench-druid, or some of it: make bench-druid ARGS="--only profile --profile-rows 10000"

Prints a table and writes build/bench/druid.json, or druid-small.json where other sizes are asked for: `figures` by
key, and `details` of what they come of. A small Druid with the settings of `include/druid` and the better compiler
is started for it; `--url` names one that runs and sees this disk. What is loaded are days of 20 columns that are
curated already; see `model`.

    ready_s                 seconds from the start of ZooKeeper and Druid's five processes until all can work
    backfill_rows_per_s     rows of predictions a second, 30 days of 100,000 rows one after the other, as
                            `mlmon backfill` loads them; each with the day's metrics
    airflow_share           share of a day's time that is ours: 1 - the seconds that Druid says its task took, over
                            those from the curated partition being there to its rows being counted at the broker;
                            whatever Druid does outside its task counts as ours
    backfill_rows_per_s_4   as many days, four at once, as Airflow's own backfill runs them
    airflow_share_4         where a day's time holds its wait for the other days' tasks
    two_backfills_differ    days whose rows, versions or checksum are others than after one backfill, when two load
                            at once: one all days, the other, of a cleared run, the first two thirds of them
    rss_mb                  MB; largest resident memory of the process that loads the days one after the other
    profile_1m_20_s         seconds; the profile of 1,000,000 rows of 20 columns; median of four, after a first
    profile_ratio_to_local  over that of the local engine from a Parquet file
    profile_1m_20_by_version_s, profile_ratio_to_local_by_version
                            the same by version of the model, of which there are two
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from airflow_mlmon.druid.client import DruidClient
from tests.benchmarks.druid import profile
from tests.benchmarks.druid.cluster import Measured, druid
from tests.benchmarks.druid.model import write_days
from tests.benchmarks.druid.state import state_of
from tests.benchmarks.report import Report

_GOALS = {
    "ready_s": "",
    "backfill_rows_per_s": "",
    "airflow_share": "<= 0.25",
    "backfill_rows_per_s_4": "",
    "airflow_share_4": "",
    "two_backfills_differ": "0",
    "rss_mb": "",
    "profile_1m_20_s": "<= 3",
    "profile_ratio_to_local": "",
    "profile_1m_20_by_version_s": "",
    "profile_ratio_to_local_by_version": "",
}
_AT_ONCE = 4
_DAYS, _ROWS, _PROFILE_ROWS = 30, 100_000, 1_000_000


class Backfills:
    """Backfills of models of the same days into one Druid, each by a process of its own."""

    def __init__(self, report: Report, url: str, folder: Path, *, days: int, rows: int) -> None:
        self._report = report
        self._url = url
        self._folder = folder
        self._days = days
        self._rows = rows

    def measure(self) -> None:
        """Measure one after the other, four at once, and two backfills."""
        one = self._single("bench_one")
        self._take("", self._ended(self._started("bench_one")))
        wanted = state_of(one, "bench_one")
        self._single("bench_many")
        self._take(f"_{_AT_ONCE}", self._ended(self._started("bench_many", at_once=_AT_ONCE)))
        self._compare("bench_many", wanted)
        self._single("bench_two")
        both = [self._started("bench_two"), self._started("bench_two", days=-(-self._days * 2 // 3), clear_number=1)]
        self._report.details["two_backfills"] = [self._ended(process) for process in both]
        self._report.figures["two_backfills_differ"] = self._compare("bench_two", wanted)
        self._report.notes["two_backfills_differ"] = f"of {len(wanted)} days of both datasources"

    def _single(self, model: str) -> DruidClient:
        _say(f"{model}: writing {self._days} curated days of {self._rows} rows")
        write_days(self._folder, model, self._days, self._rows)
        _say(f"{model}: loading them")
        return DruidClient(self._url, timeout_s=120)

    def _started(
        self, model: str, *, days: int | None = None, at_once: int = 1, clear_number: int = 0
    ) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.benchmarks.druid.backfill", self._url, str(self._folder), model]
        options = {"--days": days or self._days, "--at-once": at_once, "--clear-number": clear_number}
        command += [str(part) for option in options.items() for part in option]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def _ended(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        said, _ = process.communicate()
        if process.returncode:
            raise SystemExit("a backfill failed; see above")
        found: dict[str, Any] = json.loads(said.splitlines()[-1])
        return found

    def _take(self, suffix: str, found: dict[str, Any]) -> None:
        sums = {key: sum(day[key] for day in found["days"]) for key in found["days"][0] if key.endswith("_s")}
        key, share, days = f"backfill_rows_per_s{suffix}", f"airflow_share{suffix}", len(found["days"])
        rows = sum(day["rows"] for day in found["days"])
        self._report.figures |= {key: rows / found["seconds"], share: 1 - sums["task_s"] / sums["whole_s"]}
        self._report.notes[key] = f"{rows:,} rows in {found['seconds']:.1f} s"
        self._report.notes[share] = ", ".join(f"{name[:-2]} {seconds / days:.2f} s" for name, seconds in sums.items())
        self._report.details[key] = found
        if not suffix:
            self._report.figures["rss_mb"] = found["peak_mib"]

    def _compare(self, model: str, wanted: list[dict[str, Any]]) -> int:
        """How many days differ; a day that is missing or too many does."""
        found = state_of(DruidClient(self._url, timeout_s=120), model)
        differ = [day for day in [*wanted, *found] if day not in wanted or day not in found]
        self._report.details[f"differ_{model}"] = differ
        return len({(day["of"], day["day"]) for day in differ})


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _measure(given: argparse.Namespace, druid_: Measured, folder: Path) -> Report:
    is_whole = (given.days, given.rows, given.profile_rows) == (_DAYS, _ROWS, _PROFILE_ROWS)
    report = Report(name="druid" if is_whole else "druid-small", goals=_GOALS)
    report.details["load_average_at_start"] = os.getloadavg()
    if druid_.ready_s is not None:
        report.figures["ready_s"] = druid_.ready_s
    if given.only != "profile":
        Backfills(report, druid_.url, folder, days=given.days, rows=given.rows).measure()
    if given.only != "backfill":
        _say(f"profiling {given.profile_rows} rows")
        profile.measure(report, druid_, folder, given.profile_rows)
    report.details["load_average_at_end"] = os.getloadavg()
    return report


def main() -> None:
    """Measure all, or what `--only` names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=["backfill", "profile"])
    parser.add_argument("--days", type=int, default=_DAYS)
    parser.add_argument("--rows", type=int, default=_ROWS, help="of a day")
    parser.add_argument("--profile-rows", type=int, default=_PROFILE_ROWS)
    parser.add_argument("--url", help="the router of a Druid that runs and sees this disk; by default one is started")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mlmon-bench-") as name, druid(given.url, Path(name)) as measured:
        _measure(given, measured, Path(name)).write()


if __name__ == "__main__":
    main()
