"""Step of the labels: performance of the partitions that they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from airflow_mlmon.drift.metrics import score_metric
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.deliveries import Taken, days_before, restore_deliveries, take_changed_deliveries
from airflow_mlmon.pipeline.steps.prepare import Prepared
from airflow_mlmon.pipeline.steps.touched import (
    find_touched_days,
    look_through,
    match_ids,
    served_before,
    tell_of_merged,
    within_reach,
)
from airflow_mlmon.pipeline.telemetry import observed
from airflow_mlmon.pipeline.workspace.estimates import estimated_metrics
from airflow_mlmon.pipeline.workspace.label_matches import write_matches
from airflow_mlmon.pipeline.workspace.losses import expected_losses
from airflow_mlmon.pipeline.workspace.outcomes import (
    NOTHING_TOLD,
    Measured,
    Told,
    compare_label,
    deliveries_of,
    join_told,
    outcomes_uri,
    profile_partition_outcomes,
    read_outcomes,
    rows_with_labels,
)
from airflow_mlmon.pipeline.workspace.reference import pinned_reference, reference_outcomes
from airflow_mlmon.records import Family, MetricValue, Results
from airflow_mlmon.tasks.estimates import concept_shifts, estimation_gaps, withhold_unknown
from airflow_mlmon.tasks.fairness import label_disparities
from airflow_mlmon.tasks.own import measure_own
from airflow_mlmon.tasks.parts import measure_parts, set_constants
from airflow_mlmon.tasks.registry import task_of

# deliveries that are named
_MOST = 5


@observed("measure_performance")
def measure_performance(run: Run, prepared: Prepared) -> list[Measured]:
    """Measure the partition and each earlier one that a delivery has labels for which it was not measured with.

    These are the day's own delivery, and those of the days before that no run has received or that have changed since.
    """
    partition = prepared.partition
    if run.spec.labels is None:
        return []
    restore_deliveries(run, partition)
    changed = take_changed_deliveries(run, days_before(run, partition))
    days = served_before(run, partition)
    run.progress("matching labels")
    told, touched = _look_through_own(run, days | {partition: prepared.version}, partition)
    touched |= find_touched_days(run, days)
    own = measure_labels(run, partition, prepared.version)
    measured = [replace(own, told=join_told([told, _tell_of_changed(run, changed)]))] if own else []
    for past, version in days.items():
        if past in touched:
            run.progress(f"performance of {past.key}")
            entry = measure_labels(run, past, version)
            measured += [entry] if entry else []
    return measured


def _tell_of_changed(run: Run, changed: Mapping[Partition, Taken]) -> Told:
    """Say which deliveries of earlier days were received now, and what is wrong with them."""
    labels = run.spec.labels
    if labels is None or labels.path is None or labels.watermark is not None:
        # a growing table changes every day; what is wrong with it or the predictions' files was said of these
        return NOTHING_TOLD
    days = [day for day, taken in changed.items() if taken.rows]
    more = f" and of {len(days) - _MOST} more days" if len(days) > _MOST else ""
    listed = ", ".join(f"{day.key} ({changed[day].rows} rows)" for day in days[:_MOST])
    note = f"labels: the deliveries of {listed}{more} are new or have changed, and were read again" if days else ""
    problems = [f"{taken.problem} (delivery of {day.key})" for day, taken in changed.items() if taken.problem]
    return Told("; ".join(problems), note, tuple(cause for taken in changed.values() for cause in taken.causes))


def _look_through_own(run: Run, days: dict[Partition, str], day: Partition) -> tuple[Told, set[Partition]]:
    """Return what is said of the ids of a day's delivery, and the days that it has labels for."""
    for delivery in run.store.deliveries(run.model, day.day, day.day):
        looked = look_through(run, delivery, within_reach(run, delivery, days))
        told, matches = match_ids(run, delivery, days, looked)
        if matches is not None:
            write_matches(run, delivery, matches)
        return join_told([told, tell_of_merged(run, day, days[day])]), set(looked.days)
    return NOTHING_TOLD, set()


def measure_labels(run: Run, partition: Partition, version: str) -> Measured | None:
    """Join all deliveries received so far to the partition, and store the outcome profile."""
    if run.spec.labels is None:
        return None
    deliveries = deliveries_of(run, partition)
    reference = pinned_reference(run, partition.day)
    segments = reference.schema.segments if reference else ()
    schema = reference.outcomes if reference else None
    expected = expected_losses(run, partition, version, reference.folder, reference.schema) if reference else None
    profile = profile_partition_outcomes(
        run, partition, version, deliveries, segments, schema=schema, expected=expected
    )
    uri = outcomes_uri(run, partition, version, deliveries)
    run.files.write(uri, profile.to_bytes())
    return Measured(
        day=partition.key, version=version, uri=uri, deliveries=tuple(delivery.version for delivery in deliveries)
    )


def label_metrics(run: Run, measured: Measured) -> list[MetricValue]:
    """Return the metrics of an outcome profile and their gap to the estimates, by segment, and the label's drift."""
    found = read_outcomes(run, measured.uri)
    min_coverage = run.spec.labels.min_coverage if run.spec.labels else 0
    metrics = measure_parts(task_of(run.spec), found, min_coverage)
    added = measure_own(run.spec, rows_with_labels(run, measured, found.whole), metrics)
    reference = pinned_reference(run, run.partition(measured.day).day)
    # the metrics of the task have values once enough labels have come
    own = task_of(run.spec).metrics
    is_measured = any(value.value is not None and value.segment is None and value.metric in own for value in metrics)
    of_reference = reference_outcomes(run, reference) if reference is not None else None
    shifts = concept_shifts(task_of(run.spec), found, of_reference, metrics, min_coverage)
    if is_measured and of_reference is not None and of_reference.whole.rows:
        metrics = set_constants(task_of(run.spec), metrics, found, of_reference.whole)
        drift = compare_label(run.spec, of_reference.whole, found.whole)
        metrics.append(score_metric(drift, "the reference"))
    gaps = estimation_gaps(estimated_metrics(run, measured), metrics, task_of(run.spec))
    apart = label_disparities(task_of(run.spec), run.spec, found)
    compared = withhold_unknown([*gaps, *shifts], found, of_reference, run.spec.version_column)
    return [*metrics, *apart, *compared, *added]


def label_results(run: Run, measured: Measured) -> Results:
    """Return the performance of a day that is not evaluated."""
    partition = run.partition(measured.day)
    return Results(partition=partition, family=Family.LABELS, metrics=tuple(label_metrics(run, measured)))
