"""Prepares a day in a process of its own, and says how long it took and what it needed: `python -m … FOLDER ENDPOINT`.

The reference is pinned before, in another process, so that the peak is that of the day alone.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from airflow_mlmon.loading import parse_spec
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.prepare import prepare_partition
from airflow_mlmon.pipeline.workspace.reference import ensure_reference
from airflow_mlmon.storage import Storage
from airflow_mlmon.store.metric_store import MetricStore
from tests.benchmarks.intake.data import DAY, spec_text
from tests.benchmarks.memory import memory_mib


def main(mode: str, root: str, folder: Path) -> None:
    """Pin the reference, or prepare the day."""
    with MetricStore(f"sqlite:///{folder / 'store.db'}") as store:
        run = Run(
            spec=parse_spec(spec_text(root), "m.yaml"),
            store=store,
            storage=Storage(_client),
            workspace=str(folder / "workspace"),
        )
        ensure_reference(run)
        if mode == "pin":
            return
        before, cpu = time.perf_counter(), time.process_time()
        prepared = prepare_partition(run, run.partition(DAY))
        found = {
            "seconds": time.perf_counter() - before,
            "cpu_s": time.process_time() - cpu,
            "peak_mib": memory_mib("VmHWM"),
            "rows": prepared.rows_accepted,
            "status": prepared.status,
        }
    sys.stdout.write(json.dumps(found) + "\n")


def _client(_: str | None) -> object:
    import boto3  # noqa: PLC0415 - of those who use S3

    return boto3.client("s3", endpoint_url=os.environ["MLMON_BENCH_S3"], region_name="us-east-1")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
