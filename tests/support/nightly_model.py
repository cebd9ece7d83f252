"""The steps of a day without its pages, for tests that run many days."""

from __future__ import annotations

from collections.abc import Callable

from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.drift import detect_drift
from airflow_mlmon.pipeline.steps.evaluate import evaluate_partition
from airflow_mlmon.pipeline.steps.performance import measure_performance
from airflow_mlmon.pipeline.steps.prepare import Prepared, prepare_partition
from airflow_mlmon.pipeline.steps.profile import fill_days_before, profile_partition
from airflow_mlmon.pipeline.steps.validate import validate_partition
from airflow_mlmon.pipeline.workspace.reference import ensure_reference


def evaluate_day(
    run: Run, partition: Partition, prepare: Callable[[Run, Partition], Prepared] = prepare_partition
) -> str:
    """Run a day up to its verdicts; the version that is served then."""
    fill_days_before(run, ensure_reference(run), partition)
    prepared = prepare(run, partition)
    validate_partition(run, prepared)
    profiled = profile_partition(run, prepared)
    drift = detect_drift(run, prepared, profiled)
    evaluate_partition(run, prepared, profiled, drift, measure_performance(run, prepared))
    return prepared.version
