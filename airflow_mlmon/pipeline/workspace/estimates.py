"""Performance of a partition as it is estimated without labels, by those of the reference."""

from __future__ import annotations

from datetime import date

from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.outcomes import Measured, read_outcomes
from airflow_mlmon.pipeline.workspace.reference import pinned_reference, reference_outcomes
from airflow_mlmon.records import MetricValue
from airflow_mlmon.tasks.estimates import estimate_parts, withhold_unknown
from airflow_mlmon.tasks.parts import OutcomeParts
from airflow_mlmon.tasks.registry import task_of


def estimated_metrics(run: Run, measured: Measured | None) -> list[MetricValue]:
    """Estimate the performance of a measured partition; nothing without labels in the spec, or of other tasks."""
    task = task_of(run.spec)
    if measured is None or not (task.estimates or task.loss):
        return []
    return estimate_outcomes(run, read_outcomes(run, measured.uri), run.partition(measured.day).day)


def estimate_outcomes(run: Run, outcomes: OutcomeParts, day: date) -> list[MetricValue]:
    """Estimate the performance of a day by the labels of its reference."""
    reference = pinned_reference(run, day)
    labelled = reference_outcomes(run, reference) if reference else None
    found = estimate_parts(task_of(run.spec), outcomes, labelled)
    return withhold_unknown(found, outcomes, labelled, run.spec.version_column)
