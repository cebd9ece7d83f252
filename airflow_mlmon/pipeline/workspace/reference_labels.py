"""Labels of the reference's days: their outcome profiles, and what is measured by them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.losses import with_losses
from airflow_mlmon.pipeline.workspace.reference_rows import join_reference_labels
from airflow_mlmon.profiles.schema import ProfileSchema
from airflow_mlmon.records import MetricValue
from airflow_mlmon.tasks.estimates import concept_shifts, estimate_parts, without_part
from airflow_mlmon.tasks.fairness import label_disparities
from airflow_mlmon.tasks.outcome import OutcomeSchema
from airflow_mlmon.tasks.own import OwnRows, beside, measure_own
from airflow_mlmon.tasks.parts import OutcomeParts, measure_parts, profile_outcome_parts
from airflow_mlmon.tasks.registry import task_of

if TYPE_CHECKING:
    from airflow_mlmon.drift.expected_loss import LossModel


def profile_labels(
    run: Run, rows: pa.Table, schema: ProfileSchema, outcomes: OutcomeSchema, model: LossModel | None
) -> OutcomeParts | None:
    """Profile the labels of rows of the reference; None if they have none."""
    joined = join_reference_labels(run, rows)
    if joined is None or model is None:
        task = task_of(run.spec)
        return None if joined is None else profile_outcome_parts(task, joined, rows, schema.segments, outcomes)
    joined = with_losses(run, joined, model.expect_own(rows, run.spec.id_column))
    return profile_outcome_parts(task_of(run.spec), joined, rows, schema.segments, outcomes, exponent=model.exponent)


def estimate_by_other_days(
    run: Run, whole: OutcomeParts, day: OutcomeParts | None, measured: Sequence[MetricValue]
) -> tuple[list[MetricValue], list[MetricValue]]:
    """Return the estimates of a day of the reference, and its concept shift, by the labels of its other days.

    By its own labels it would look as later days never will.
    """
    if day is None or run.spec.labels is None:
        return [], []
    task, others = task_of(run.spec), without_part(whole, day)
    estimates = estimate_parts(task, day, others)
    return estimates, concept_shifts(task, day, others, measured, run.spec.labels.min_coverage)


def measure_day_labels(run: Run, rows: pa.Table, labelled: OutcomeParts | None) -> list[MetricValue]:
    """Measure what needs labels; nothing if the reference has none."""
    if run.spec.labels is None or labelled is None:
        return []
    metrics = measure_parts(task_of(run.spec), labelled, run.spec.labels.min_coverage)
    metrics += label_disparities(task_of(run.spec), run.spec, labelled)

    def read() -> Iterator[pa.Table]:
        joined = join_reference_labels(run, rows)
        assert joined is not None  # noqa: S101 - they are profiled
        yield beside(joined, rows)

    own = OwnRows(outcomes=labelled.whole, rows=rows.num_rows, read=read)
    return [*metrics, *measure_own(run.spec, own, metrics)]
