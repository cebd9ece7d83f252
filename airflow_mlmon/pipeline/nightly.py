"""The nightly run of one partition, from the archive to the report, in one process."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from airflow_mlmon.errors import MlmonError, PartitionConflictError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.pages.report import write_reports
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.drift import detect_drift
from airflow_mlmon.pipeline.steps.evaluate import judge_partition
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
    """What a run leaves behind: its page, and the days whose results it replaced."""

    partition: Partition
    report: str
    days: tuple[Partition, ...]


def run_night(run: Run, partition: Partition) -> Ran:
    """Run every step for one partition; what fails becomes the state of the night, and is not raised.

    Raises:
        MlmonError: the failure cannot even be recorded, because the store or the workspace fails.
    """
    days: list[Partition] = []
    try:
        days = _run_steps(run, partition)
    except MlmonError as error:
        record_failure(run, partition, str(error))
    except Exception as error:
        log.exception("%s failed", partition)
        record_failure(run, partition, f"{type(error).__name__}; the log says more")
    return Ran(partition=partition, report=write_reports(run, partition, days).uri, days=tuple(days))


def _run_steps(run: Run, partition: Partition) -> list[Partition]:
    for attempt in range(1, _TRIES + 1):
        try:
            return _run_once(run, partition)
        except PartitionConflictError:
            # files or labels changed while they were read: what is there now is what counts
            if attempt == _TRIES:
                raise
    raise AssertionError("the last try returns or raises")


def _run_once(run: Run, partition: Partition) -> list[Partition]:
    fill_days_before(run, ensure_reference(run), partition)
    prepared = prepare_partition(run, partition)
    validate_partition(run, prepared)
    profiled = profile_partition(run, prepared)
    drift = detect_drift(run, prepared, profiled)
    measured = measure_performance(run, prepared)
    judged = judge_partition(run, prepared, profiled, drift, measured)
    return [Partition.from_key(run.model, day) for day in judged.days]
