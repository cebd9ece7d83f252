"""Nightly run of one partition in one process, from the archive to the report."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from airflow_mlmon.errors import MlmonError, PartitionConflictError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.pages.report import write_reports
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.drift import PartitionDrift, detect_drift
from airflow_mlmon.pipeline.steps.evaluate import Evaluated, evaluate_partition
from airflow_mlmon.pipeline.steps.failure import record_failure
from airflow_mlmon.pipeline.steps.neighbours import find_lacking
from airflow_mlmon.pipeline.steps.performance import measure_performance
from airflow_mlmon.pipeline.steps.prepare import Prepared, prepare_partition
from airflow_mlmon.pipeline.steps.profile import Profiled, fill_day, fill_days_before, profile_partition
from airflow_mlmon.pipeline.steps.validate import validate_partition
from airflow_mlmon.pipeline.workspace.outcomes import Measured
from airflow_mlmon.pipeline.workspace.reference import ensure_reference
from airflow_mlmon.records import CheckOutcome, PartitionState, Status
from airflow_mlmon.spec.choices import EvidentlyForm

log = logging.getLogger(__name__)

_TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """Result of a run: its page, and the days whose results it replaced."""

    partition: Partition
    report: str
    days: tuple[Partition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatedDay:
    """What each step of a day has found, up to its evaluation."""

    prepared: Prepared
    checks: Sequence[CheckOutcome]
    profiled: Profiled
    drift: PartitionDrift
    measured: Sequence[Measured]
    evaluated: Evaluated


def run_partition(run: Run, partition: Partition, *, evidently: EvidentlyForm | None = None) -> Ran:
    """Run all steps for one partition; a failure is recorded as its status and is not raised.

    Args:
        run: the model.
        partition: the day.
        evidently: form of Evidently's report of the day, instead of the spec's.

    Raises:
        MlmonError: the failure cannot be recorded, because the store or the workspace fails.
    """
    days: list[Partition] = []
    try:
        days = _days_of(run, run_steps(run, partition))
        report = write_reports(run, partition, days, evidently=evidently).uri
    except MlmonError as error:
        record_failure(run, partition, str(error))
        report = write_reports(run, partition, ()).uri
    except Exception as error:
        log.exception("%s failed", partition)
        record_failure(run, partition, f"{type(error).__name__}; see the log")
        report = write_reports(run, partition, ()).uri
    return Ran(partition=partition, report=report, days=tuple(days))


def redo_lacking(run: Run, prepared: Prepared, under_way: frozenset[Partition] = frozenset()) -> Prepared:
    """Redo the served days that lack rows of a day's folder, before the day is compared with them.

    Args:
        run: the model.
        prepared: the day.
        under_way: days that are being run, and wait for this one.

    Raises:
        MlmonError: a day cannot be redone now; a retry may succeed.
    """
    partition = prepared.partition
    under_way |= {partition}
    redone: list[str] = []
    while lacking := [state for state in find_lacking(run, prepared) if state.partition not in under_way]:
        under_way |= {lacking[0].partition}
        run.progress(f"redoing {lacking[0].partition.key}, of which rows came later")
        redone += [day.key for day in _redo(run, lacking[0], partition, under_way)]
    if redone and run.spec.duplicates is not None:
        # the ids of these days are others now
        prepared = prepare_partition(run, partition)
    return replace(prepared, redone=tuple(dict.fromkeys(redone)))


def _redo(run: Run, state: PartitionState, now: Partition, under_way: frozenset[Partition]) -> list[Partition]:
    """Run a day again, or fill it again where it is history alone, and return the days whose results were replaced."""
    day = state.partition
    if not state.evaluated and state.status is not Status.FAILED:
        fill_day(run, ensure_reference(run, day.day), day, now)
        return []
    try:
        return _days_of(run, run_steps(run, day, under_way))
    except MlmonError as error:
        if error.retryable:
            raise
        record_failure(run, day, str(error))
        return [day]


def _days_of(run: Run, done: EvaluatedDay) -> list[Partition]:
    """Return the days whose results were replaced."""
    return [run.partition(day) for day in done.evaluated.days]


def run_steps(run: Run, partition: Partition, under_way: frozenset[Partition] = frozenset()) -> EvaluatedDay:
    """Run the steps of a day up to its evaluation; `under_way` are days that are being run, and wait for this one.

    Raises:
        MlmonError: a step failed; nothing is recorded of it.
    """
    for attempt in range(1, _TRIES + 1):
        try:
            with run.asking_once():
                return _run_once(run, partition, under_way)
        except PartitionConflictError:
            # files or labels changed during reading: read them again
            if attempt == _TRIES:
                raise
    raise AssertionError("the last attempt returns or raises")


def _run_once(run: Run, partition: Partition, under_way: frozenset[Partition]) -> EvaluatedDay:
    fill_days_before(run, ensure_reference(run, partition.day), partition)
    prepared = redo_lacking(run, prepare_partition(run, partition), under_way)
    checks = validate_partition(run, prepared)
    profiled = profile_partition(run, prepared)
    drift = detect_drift(run, prepared, profiled)
    measured = measure_performance(run, prepared)
    return EvaluatedDay(
        prepared=prepared,
        checks=checks,
        profiled=profiled,
        drift=drift,
        measured=measured,
        evaluated=evaluate_partition(run, prepared, profiled, drift, measured),
    )
