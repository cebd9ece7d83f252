"""Runs days in a process of its own, and says what each step took: `python -m tests.benchmarks.day.work FOLDER DAY…`.

FOLDER holds `archive/` and `spec.yaml`; the store and the workspace are made there. Prints JSON: CPU seconds of the
whole process, imports in, its peak memory, and of each day the CPU seconds of the run and of its steps.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from airflow_mlmon.loading import load_spec
from airflow_mlmon.pipeline import nightly
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.preload import keep_loaded, preload_run
from airflow_mlmon.storage import Storage
from airflow_mlmon.store.metric_store import MetricStore
from tests.benchmarks.memory import memory_mib

_STEPS = (
    "prepare_partition",
    "validate_partition",
    "profile_partition",
    "detect_drift",
    "measure_performance",
    "evaluate_partition",
    "write_reports",
)


def main(folder: Path, days: list[str]) -> None:
    """Run the days one after the other, as `mlmon backfill` does."""
    preload_run()
    steps: dict[str, float] = {}
    for name in _STEPS:
        setattr(nightly, name, _timed(name, getattr(nightly, name), steps))
    found = []
    with MetricStore(f"sqlite:///{folder / 'store.db'}") as store:
        run = Run(
            spec=load_spec(folder / "spec.yaml"), store=store, storage=Storage(), workspace=str(folder / "workspace")
        )
        for day in days:
            steps.clear()
            cpu, wall = time.process_time(), time.perf_counter()
            nightly.run_partition(run, run.partition(day))
            if day == days[0] != days[-1]:
                keep_loaded()
            state = store.state(run.partition(day))
            found.append(
                {
                    "day": day,
                    "cpu_s": time.process_time() - cpu,
                    "wall_s": time.perf_counter() - wall,
                    "status": state.status if state else "",
                    "rows": state.rows_accepted if state else 0,
                    "steps": dict(steps),
                }
            )
    sys.stdout.write(json.dumps({"cpu_s": time.process_time(), "peak_mib": memory_mib("VmHWM"), "days": found}) + "\n")


def _timed(name: str, step: Callable[..., Any], steps: dict[str, float]) -> Callable[..., Any]:
    def run_step(*arguments: Any, **settings: Any) -> Any:
        before = time.process_time()
        try:
            return step(*arguments, **settings)
        finally:
            steps[name] = steps.get(name, 0.0) + time.process_time() - before

    return run_step


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
