"""Nightly run of one partition in one process, from the archive to the report."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from airflow_mlmon.errors import MlmonError, PartitionConflictError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.pages.report import write_reports
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.drift import detect_drift
from airflow_mlmon.pipeline.steps.evaluate import evaluate_partition
from airflow_mlmon.pipeline.steps.failure import record_failure
from airflow_mlmon.pipeline.steps.performance import measure_performance
from airflow_mlmon.pipeline.steps.prepare import prepare_partition
from airflow_mlmon.pipeline.steps.profile import fill_days_before, profile_partition
from airflow_mlmon.pipeline.steps.validate import validate_partition
from airflow_mlmon.pipeline.workspace.reference import ensure_reference

log = logging.getLogger(__name__)

_TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """Result of a run: its page, and the days whose results it replaced."""

    partition: Partition
    report: str
    days: tuple[Partition, ...]


def run_partition(run: Run, partition: Partition) -> Ran:
    """Run all steps for one partition; a failure is recorded as its status and is not raised.

    Raises:
        MlmonError: the failure cannot be recorded, because the store or the workspace fails.
    """
    days: list[Partition] = []
    try:
        days = _run_steps(run, partition)
    except MlmonError as error:
        record_failure(run, partition, str(error))
    except Exception as error:
        log.exception("%s failed", partition)
        record_failure(run, partition, f"{type(error).__name__}; see the log")
    return Ran(partition=partition, report=write_reports(run, partition, days).uri, days=tuple(days))


def _run_steps(run: Run, partition: Partition) -> list[Partition]:
    for attempt in range(1, _TRIES + 1):
        try:
            return _run_once(run, partition)
        except PartitionConflictError:
            # files or labels changed during reading: read them again
            if attempt == _TRIES:
                raise
    raise AssertionError("the last attempt returns or raises")


def _run_once(run: Run, partition: Partition) -> list[Partition]:
    fill_days_before(run, ensure_reference(run), partition)
    prepared = prepare_partition(run, partition)
    validate_partition(run, prepared)
    profiled = profile_partition(run, prepared)
    drift = detect_drift(run, prepared, profiled)
    measured = measure_performance(run, prepared)
    evaluated = evaluate_partition(run, prepared, profiled, drift, measured)
    return [run.partition(day) for day in evaluated.days]
