"""Cost of tracing a day: the same day of 5,000 rows, its workspace on S3, with and without spans that are sent.

`python -m tests.benchmarks.day.traced` receives spans, so that what that costs is not of the day's process.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from airflow_mlmon.loading import load_spec
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.telemetry import observing_day
from airflow_mlmon.preload import keep_loaded, preload_run
from airflow_mlmon.storage import Storage
from airflow_mlmon.store.metric_store import MetricStore
from tests.benchmarks.day.data import START, write_archive
from tests.benchmarks.measured import Measured
from tests.support.s3 import VersityServer
from tests.support.spans import otlp_receiver, tracing_to

_ROWS = 5_000
_DAYS = 4
_PAIRS = 20


def tracing_share() -> Measured:
    """Measure the share of the CPU seconds of a day that tracing adds: the median of twenty pairs."""
    preload_run()
    with tempfile.TemporaryDirectory(prefix="mlmon-bench-") as name, VersityServer(Path(name)) as server:
        folder = Path(name)
        (folder / "spec.yaml").write_text(write_archive(folder / "archive", _DAYS, _ROWS))
        client, bucket = server.client(), server.bucket("traced")
        with MetricStore(f"sqlite:///{folder / 'store.db'}") as store, _receiver() as endpoint:
            run = Run(
                spec=load_spec(folder / "spec.yaml"),
                store=store,
                storage=Storage(lambda _: client),
                workspace=f"s3://{bucket}/mlmon",
            )
            for number in range(_DAYS):
                run_partition(run, run.partition(START + timedelta(days=number)))
            keep_loaded()
            pairs = [_pair(run, endpoint, is_traced_first=bool(number % 2)) for number in range(_PAIRS)]
    share = statistics.median(traced / plain for plain, traced in pairs) - 1
    plain, traced = (statistics.median(side) for side in zip(*pairs, strict=True))
    return Measured(figure=share, note=f"{plain:.3f} s without, {traced:.3f} s with", details={"pairs": pairs})


def _pair(run: Run, endpoint: str, *, is_traced_first: bool) -> tuple[float, float]:
    found = {
        is_traced: _cpu_s(run, endpoint if is_traced else "") for is_traced in (is_traced_first, not is_traced_first)
    }
    return found[False], found[True]


def _cpu_s(run: Run, endpoint: str) -> float:
    """Return the CPU seconds of the day in all threads, until its spans are sent, which a task waits for."""
    day = run.partition(START + timedelta(days=_DAYS - 1))
    tracing = tracing_to(BatchSpanProcessor(OTLPSpanExporter(endpoint))) if endpoint else nullcontext()
    with tracing as provider:
        before = time.process_time()
        with observing_day(run, day):
            run_partition(run, day)
        if provider is not None:
            provider.force_flush()
        found = time.process_time() - before
        if provider is not None:
            provider.shutdown()
    return found


@contextmanager
def _receiver() -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as own:
        assert own.stdin is not None
        assert own.stdout is not None
        yield f"{own.stdout.readline().strip()}/v1/traces"
        own.stdin.close()


if __name__ == "__main__":
    with otlp_receiver() as receiver:
        sys.stdout.write(f"{receiver.url}\n")
        sys.stdout.flush()
        sys.stdin.read()
