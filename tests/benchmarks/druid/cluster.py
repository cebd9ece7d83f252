"""The small Druid that is measured, or one that runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from include.demo.services import read_running
from include.druid.cluster import DruidCluster

# the flag of our test clusters that spares them the better compiler, undone: they are started to be measured
_COMPILER = {"_JAVA_OPTIONS": "-XX:TieredStopAtLevel=4"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A Druid: where it is, how soon it was ready, and the processor seconds of all of its processes so far."""

    url: str
    ready_s: float | None
    cpu_s: Callable[[], float]


@contextmanager
def druid(url: str | None, folder: Path) -> Iterator[Measured]:
    """The Druid of that URL; without one, one that is started in `folder` and stopped again."""
    if url is not None:
        yield Measured(url=url, ready_s=None, cpu_s=lambda: 0.0)
        return
    record = folder / "running.json"
    cluster = DruidCluster(home=folder / "druid", environment=_COMPILER, record=record)
    cluster.start()
    try:
        pids = [service.pid for service in read_running(record)]
        yield Measured(url=cluster.url, ready_s=cluster.ready_s, cpu_s=lambda: sum(map(_cpu_s, pids)))
    finally:
        cluster.stop()


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
