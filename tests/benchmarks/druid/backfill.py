"""One backfill of curated days into Druid, by what the operator runs; a process of its own.

    python -m tests.benchmarks.druid.backfill <url> <folder> <model> --days 30

Its last line is JSON: the seconds of the whole, the seconds of each day, and its own peak memory in MiB.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import requests

from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.druid.load import Patience, await_tasks
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.druid.load import DruidIngest
from airflow_mlmon.pipeline.run import Run
from tests.benchmarks.druid.model import days_of, opened
from tests.benchmarks.memory import memory_mib

_TIMEOUT_S = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class DayTimes:
    """Where the seconds of one day went.

    Attributes:
        day: The key of the partition.
        rows: Of predictions, as the broker counts them in the end.
        whole_s: From the curated partition being there to its rows being counted.
        task_s: What Druid says that its task of the predictions took.
        begin_s: Writing the input and handing in both tasks.
        wait_s: From then on until both tasks were seen to have ended.
        verify_s: Reports, counts and columns.
    """

    day: str
    rows: int
    whole_s: float
    task_s: float
    begin_s: float
    wait_s: float
    verify_s: float


def load_day(run: Run, url: str, clear_number: int, day: Partition) -> DayTimes:
    """Load one day as the step of Druid does, with a watch in hand."""
    client = DruidClient(url, timeout_s=_TIMEOUT_S)
    ingest = DruidIngest(run, client, [day], clear_number=clear_number, today=day.end.date())
    key = f"{run.model}_predictions {day.key}"
    began = time.perf_counter()
    state = ingest.begin()
    opened_tasks, begun = state.open, time.perf_counter()
    await_tasks(client, state.task_ids, Patience())
    ended = time.perf_counter()
    state = ingest.advance(state)
    while state.open:
        opened_tasks, state = state.open, ingest.wait(state)
    over = time.perf_counter()
    return DayTimes(
        day=day.key,
        rows=state.done[key].rows,
        whole_s=over - began,
        task_s=_task_s(url, opened_tasks[key].task_id),
        begin_s=begun - began,
        wait_s=ended - begun,
        verify_s=over - ended,
    )


def load_days(run: Run, url: str, days: Sequence[Partition], *, at_once: int, clear_number: int = 0) -> dict[str, Any]:
    """Load the days, some of them at once."""
    began = time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        loaded = list(pool.map(partial(load_day, run, url, clear_number), days))
    return {"seconds": time.perf_counter() - began, "days": [asdict(day) for day in loaded]}


def _task_s(url: str, task_id: str) -> float:
    """The duration that Druid gives for a task: on its worker, from start to end."""
    answer = requests.get(f"{url}/druid/indexer/v1/task/{task_id}/status", timeout=_TIMEOUT_S)
    return float(answer.json()["status"]["duration"]) / 1000


def main() -> None:
    """Load, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("folder", type=Path)
    parser.add_argument("model")
    parser.add_argument("--first", type=int, default=0, help="the number of the first day")
    parser.add_argument("--days", type=int, required=True)
    parser.add_argument("--at-once", type=int, default=1)
    parser.add_argument("--clear-number", type=int, default=0)
    given = parser.parse_args()
    with opened(given.folder, given.model) as run:
        days = days_of(run, given.first, given.days)
        found = load_days(run, given.url, days, at_once=given.at_once, clear_number=given.clear_number)
    sys.stdout.write(json.dumps({**found, "peak_mib": memory_mib("VmHWM")}) + "\n")


if __name__ == "__main__":
    main()
